// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { ShimError } from '../common/errors.js';
import { logger } from '../common/log.js';
import type { ContainerdApi } from './api.js';
import { LEASES, ownership } from './lease-owner.js';

const log = logger('lease');
/** Label of a lease: when it ends by itself. */
const EXPIRE = 'containerd.io/gc.expire';

/** How long a lease lasts, and how often it is renewed, in milliseconds. */
export interface LeaseTimes {
  readonly lastMs: number;
  /** Longer than any call, and so short that two failures do no harm. */
  readonly renewMs: number;
}

/** What a killed process leaves is collected after a quarter of an hour. */
const TIMES: LeaseTimes = { lastMs: 15 * 60_000, renewMs: 5 * 60_000 };

/** Runs work during which containerd collects nothing that its calls make. */
export async function withLease<T>(
  api: ContainerdApi,
  work: () => Promise<T>,
  times = TIMES,
): Promise<T> {
  const lease = await OwnLease.begin(api, times);
  try {
    return await work();
  } finally {
    await lease.end();
  }
}

/**
 * A lease of containerd's that lasts as long as this process renews it. containerd cannot change a lease, so there is a new
 * one each time, which gets what the others have.
 */
class OwnLease {
  readonly #api: ContainerdApi;
  readonly #times: LeaseTimes;
  /** The last one is in use; calls that have begun with the one before may not have ended. */
  readonly #ids: string[] = [];
  #renewing = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  private constructor(api: ContainerdApi, times: LeaseTimes) {
    this.#api = api;
    this.#times = times;
  }

  static async begin(api: ContainerdApi, times: LeaseTimes): Promise<OwnLease> {
    const lease = new OwnLease(api, times);
    await lease.#renew();
    lease.#timer = setInterval(() => {
      lease.#renewing = lease.#renewing.then(() => lease.#tryToRenew());
    }, times.renewMs).unref();
    return lease;
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
    this.#api.useLease(undefined);
    for (const id of this.#ids.splice(0)) await this.#delete(id);
  }

  /** containerd may be away; there is time for another attempt. */
  async #tryToRenew(): Promise<void> {
    await this.#renew().catch((error: unknown) => {
      log.warn('a lease is not renewed', { error: String(error) });
    });
  }

  async #renew(): Promise<void> {
    const id = await this.#create();
    const others = [...this.#ids];
    this.#ids.push(id);
    this.#api.useLease(id);
    for (const other of others) await this.#copy(other, id);
    for (const old of others.slice(0, -1)) {
      await this.#delete(old);
      this.#ids.shift();
    }
  }

  async #create(): Promise<string> {
    const id = `${LEASES}${randomBytes(8).toString('hex')}`;
    const end = new Date(Date.now() + this.#times.lastMs).toISOString();
    const labels = [{ key: EXPIRE, value: end }, ownership()];
    await this.#api.call('Leases/Create', { id, labels });
    return id;
  }

  async #copy(from: string, to: string): Promise<void> {
    const { resources } = await this.#api.call('Leases/ListResources', { id: from });
    for (const resource of resources)
      await this.#api.call('Leases/AddResource', { id: to, resource });
  }

  /** One that this process could not renew in time, since it was stopped, has ended already. */
  async #delete(id: string): Promise<void> {
    try {
      await this.#api.call('Leases/Delete', { id });
    } catch (error) {
      if (ShimError.from(error).kind !== 'notFound') throw error;
    }
  }
}
