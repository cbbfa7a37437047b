// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs';
import { assertInvariant } from '../../common/errors.js';
import type { HostPid } from '../../common/ids.js';
import { AF, AT_FDCWD, O, SOCK } from '../../native/abi/index.js';
import { SYS } from '../../native/sys.js';
import { PlanBuilder } from '../plan/builder.js';
import { PlanPointer, type Argument, type PlanData } from '../plan/values.js';
import type { Sequence } from '../plan/sequence.js';
import type { HolderClient } from '../vas/holder-client.js';

/** Where plans are mapped in a holder that has not moved yet: far from everything. */
const BASE = 1n << 44n;
/** Number of the first model; those before it are left to connections. */
const FIRST = 200;
const EPOLL_CTL_ADD = 1;
const CLOCK_MONOTONIC = 1;
const EPOLL_EVENT_SIZE = 12;

/**
 * Opens files of the usual kinds in an empty holder, as models of what a container has. Nothing of them can be reached
 * by others.
 *
 * @returns their descriptors
 * @throws ShimError `internal` if the holder has such descriptors
 */
export async function openModels(holder: HolderClient, holderPid: HostPid): Promise<number[]> {
  const builder = new PlanBuilder();
  const { sequence, models } = planModels(builder);
  for (const fd of readdirSync(`/proc/${String(holderPid)}/fd`).map(Number)) {
    assertInvariant(!models.includes(fd), `descriptor ${String(fd)} of a holder is free`);
  }
  await run(holder, builder, sequence);
  return models;
}

/** Closes them. */
export async function closeModels(holder: HolderClient, models: readonly number[]): Promise<void> {
  const builder = new PlanBuilder();
  const sequence = builder.sequence('models');
  for (const fd of models) sequence.syscall('close a model', SYS.close, [fd]);
  await run(holder, builder, sequence);
}

/** Their numbers are chosen, since somebody may connect to the holder meanwhile. */
function planModels(builder: PlanBuilder): { sequence: Sequence; models: number[] } {
  const sequence = builder.sequence('models');
  const models: number[] = [];
  const next = (): number => {
    const fd = FIRST + models.length;
    models.push(fd);
    return fd;
  };
  const make = (nr: number, args: readonly Argument[]): number => {
    const move = next();
    sequence.syscall('open a model', nr, args, { move });
    return move;
  };
  const makePair = (nr: number, args: (ends: PlanData) => readonly Argument[]): void => {
    const ends = builder.reserve(8);
    sequence.syscall('open models', nr, args(ends));
    for (const at of [0, 4]) sequence.moveFrom('open models', new PlanPointer(ends, at), next());
  };
  makePair(SYS.pipe2, (ends) => [ends, O.cloexec]);
  makePair(SYS.socketpair, (ends) => [AF.unix, SOCK.stream | SOCK.cloexec, 0, ends]);
  make(SYS.socket, [AF.inet, SOCK.stream | SOCK.cloexec, 0]);
  make(SYS.timerfd_create, [CLOCK_MONOTONIC, O.cloexec]);
  for (const path of ['/', '/dev/null']) {
    make(SYS.openat, [AT_FDCWD, builder.string(path), O.rdonly | O.cloexec, 0]);
  }
  const event = builder.reserve(EPOLL_EVENT_SIZE);
  const [epoll, watched] = [
    make(SYS.epoll_create1, [O.cloexec]),
    make(SYS.eventfd2, [0, O.cloexec]),
  ];
  sequence.syscall('watch a model', SYS.epoll_ctl, [epoll, EPOLL_CTL_ADD, watched, event]);
  return { sequence, models };
}

async function run(holder: HolderClient, builder: PlanBuilder, sequence: Sequence): Promise<void> {
  sequence.end();
  await holder.run(builder.finish(), BASE, sequence.offset);
}
