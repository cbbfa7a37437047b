// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { until } from '../../helpers/run.js';
import type { Engine } from '../../helpers/targets-engine.js';
import { TargetRun } from '../../helpers/targets-run.js';
import { engine as plain } from './harness.js';

/** Containers with busy TCP connections (busy.c), and processes beside them that have some with them. */
const target = { name: 'busy', needs: [], expect: { kind: 'restore' }, varies: [] } as const;

/** A process outside of the container, in a network namespace. */
export interface Companion {
  /** Of its network namespace. */
  readonly pid: number;
  /** What it has said. */
  said(): string;
  /** Resolves with its verdict. */
  end(): Promise<string>;
}

/** A container that has not been started. */
export function busyContainer(
  t: ExecutionContext,
  binary: string,
  engine: Engine = plain,
): TargetRun {
  const run = new TargetRun(target, engine, binary);
  t.teardown(async () => {
    await engine.discard(run.place);
    await run.close(!t.passed);
  });
  return run;
}

/** Changes the text of a container's spec. */
export function changeSpec({ place }: TargetRun, from: RegExp, to: string): void {
  const config = join(place.bundle, 'config.json');
  writeFileSync(config, readFileSync(config, 'utf8').replace(from, to));
}

/** Starts a container with so many connections within it, each with so many bytes on their way. */
export async function startBusy(
  t: ExecutionContext,
  run: TargetRun,
  connections: number,
  window = 4096,
): Promise<void> {
  const env = `"env":["CONNECTIONS=${String(connections)}","WINDOW=${String(window)}",`;
  changeSpec(run, /"env":\s*\[/, env);
  t.is(await run.start(), 'READY');
}

/** Starts a process with the arguments of busy.c: role, pid in its network namespace, number of connections. */
export async function accompany(
  t: ExecutionContext,
  binary: string,
  ...args: readonly ['client', number, number] | readonly ['both', number]
): Promise<Companion> {
  const child = spawn(binary, args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const closed = once(child, 'close');
  let said = '';
  child.stdout.on('data', (data: Buffer) => (said += data.toString()));
  await until('the clients to be connected', () => Promise.resolve(said.includes('READY')));
  return {
    pid: child.pid ?? 0,
    said: () => said,
    end: async () => {
      child.kill('SIGTERM');
      await closed;
      return said.replace(/^READY\n/, '').trim();
    },
  };
}

/** The longest that a connection has waited, in milliseconds. */
export function gapOf(t: ExecutionContext, verdict = ''): number {
  const [, gap = ''] = /^PASS gap=(\d+) bytes=[1-9]/.exec(verdict) ?? [];
  t.not(gap, '', verdict);
  return Number(gap);
}
