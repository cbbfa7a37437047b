// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import type { InTurn, Series, SpareVas } from '../../criu/index.js';
import type { Spec } from '../bundle.js';
import { hostNamesOf } from '../../common/host-names.js';
import { logger } from '../../common/log.js';
import { mountPlacesOf } from '../../common/mount-places.js';
import { tmpfsMountsOf } from '../../common/tmpfs-mounts.js';
import { MappedFolder } from '../mount/idmapped.js';
import type { CheckpointPlan } from './checkpoint-options.js';
import { withinGrace } from './grace.js';
import { assertKept } from './kept-spec.js';
import type { LaunchContext } from './launch.js';
import type { Surroundings } from './ports.js';

const log = logger('task');

/** How long an aborted checkpoint may take to clean up before other work gets its turn. */
const ABORT_MS = 2_000;

/** What checkpoints need of a container. */
export interface CheckpointParts extends Pick<LaunchContext, 'id' | 'runc'> {
  readonly spec: Spec;
  /** Digest of the spec, as containerd may keep it with a checkpoint. */
  readonly specDigest: string;
  readonly surroundings: Surroundings;
}

/** The parameters of one checkpoint. */
export interface CheckpointTurn {
  readonly plan: CheckpointPlan;
  readonly initPid: HostPid;
  /** Exec ids by host pid. */
  readonly execs: () => ReadonlyMap<HostPid, string>;
  readonly signal: AbortSignal;
  /** Does some work as a turn of its own, after this one. */
  readonly inTurn: InTurn;
}

/** Makes the checkpoints of a container, one at a time. */
export class Checkpoints {
  #underWay: AbortController | undefined;
  #series: Series | undefined;
  #spare: Promise<Pick<SpareVas, 'take' | 'drop'> | undefined> | undefined;
  /** Those that were undone are gone. */
  #dropped: Promise<unknown> = Promise.resolve();

  get isUnderWay(): boolean {
    return this.#underWay !== undefined;
  }

  /** Begins what a checkpoint takes and can be undone: most clients that pause a container go on to checkpoint it. */
  expect({ surroundings }: Pick<CheckpointParts, 'surroundings'>): void {
    this.#spare = surroundings.engine.spareVas().catch((error: unknown) => {
      log.debug('no VAS in advance', { error: String(error) });
      return undefined;
    });
  }

  /** Undoes that: there will be none. Settles when all that was begun is gone, also by an earlier call. Never throws. */
  async expectNone(): Promise<void> {
    const drop = this.#spare?.then((spare) => spare?.drop());
    this.#spare = undefined;
    this.#dropped = Promise.all([this.#dropped, drop]);
    await this.#dropped;
  }

  /** Makes a checkpoint by the engine. @throws ShimError of the engine, or the reason of an abort */
  async make(
    parts: CheckpointParts,
    { plan, initPid, execs, signal, inTurn }: CheckpointTurn,
  ): Promise<void> {
    const { id, spec, specDigest, surroundings } = parts;
    if (surroundings.hasContent) await assertKept(plan, specDigest, surroundings.hasContent);
    const abort = new AbortController();
    this.#underWay = abort;
    let copy: MappedFolder | undefined;
    try {
      const spare = await this.#spare;
      const series = await this.#seriesOf(parts, plan);
      copy = plan.changes?.ids && MappedFolder.open(plan.changes.to, plan.changes.ids);
      const aborted = AbortSignal.any([signal, abort.signal]);
      const work = surroundings.engine.checkpoint({
        containerId: id,
        spec,
        initPid,
        imagePath: plan.imagePath,
        leaveRunning: plan.leaveRunning,
        keepsConnections: plan.keepsConnections,
        runcRoot: parts.runc.settings.root,
        ...(plan.memoryLimit === undefined ? {} : { memoryLimit: plan.memoryLimit }),
        ...(plan.changes && {
          changes: { from: plan.changes.from, to: copy?.path ?? plan.changes.to },
        }),
        ...(plan.retryMs === undefined ? {} : { retryMs: plan.retryMs }),
        ...(plan.exec === undefined ? {} : { exec: plan.exec }),
        execs,
        tmpfsMounts: tmpfsMountsOf(spec),
        mountPlaces: mountPlacesOf(spec),
        hostNames: hostNamesOf(spec),
        life: { ...plan.life, note: surroundings.note },
        ...(plan.twin === undefined ? {} : { twin: plan.twin }),
        signal: aborted,
        ...{ inTurn, spare, ...series },
      });
      const result = await withinGrace(work, aborted, ABORT_MS);
      const { vasId: vas, frozenMs, bytes } = result;
      log.info('checkpointed', { task: id, vas, frozenMs, bytes, ...result.timingsMs });
    } finally {
      this.#underWay = undefined;
      copy?.close();
      await this.expectNone();
    }
  }

  /** What the next one would start from is of no use. */
  endSeries(why: string): void {
    this.#series?.end(why);
  }

  async #seriesOf(
    { id, surroundings }: CheckpointParts,
    plan: CheckpointPlan,
  ): Promise<{ readonly series?: Series }> {
    if (plan.series) return { series: (this.#series ??= await surroundings.engine.series(id)) };
    this.endSeries('a checkpoint that is not of the series is taken');
    return {};
  }

  /** Cancels the one in progress, if there is one. */
  abort(reason: Error): void {
    this.#underWay?.abort(reason);
  }
}
