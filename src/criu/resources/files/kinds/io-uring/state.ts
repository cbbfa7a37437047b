// SPDX-License-Identifier: Apache-2.0
import { detail, type FdInfo } from '../../../../procfs/fdinfo.js';

/** What fdinfo says of an io_uring. Source: io_uring_show_fdinfo(). */
export interface RingState {
  readonly sqEntries: number;
  readonly cqEntries: number;
  /** Requests that the kernel has taken, and those that it has completed, modulo 2^32. */
  readonly taken: number;
  readonly completed: number;
  /** Whether a thread of the kernel takes requests (IORING_SETUP_SQPOLL). */
  readonly hasThread: boolean;
  readonly files: number;
  readonly buffers: number;
  readonly personalities: number;
  /** Whether it polls sockets by itself. */
  readonly pollsSockets: boolean;
  /** Files that it waits for. */
  readonly polls: number;
  /** Completions for which there was no room. */
  readonly overflows: number;
}

/** Undefined while the io_uring is in use: then the kernel does not say all of this. */
export function ringState(info: FdInfo): RingState | undefined {
  const number = (key: string): number | undefined =>
    detail(info, key, (line, value) => line.integer(value));
  const mask = (key: string): number | undefined =>
    detail(info, key, (line, value) => line.hexInteger(value.replace(/^0x/, '')));
  const [sqMask, cqMask] = [mask('SqMask'), mask('CqMask')];
  const [taken, completed] = [number('CachedSqHead'), number('CachedCqTail')];
  const [thread, files, buffers] = [number('SqThread'), number('UserFiles'), number('UserBufs')];
  if (sqMask === undefined || cqMask === undefined) return undefined;
  if (taken === undefined || completed === undefined) return undefined;
  if (thread === undefined || files === undefined || buffers === undefined) return undefined;
  const polls = countBelow(info, 'PollList:');
  const overflows = countBelow(info, 'CqOverflowList:');
  if (polls === undefined || overflows === undefined) return undefined;
  return {
    sqEntries: sqMask + 1,
    cqEntries: cqMask + 1,
    taken,
    completed,
    hasThread: thread !== -1,
    files,
    buffers,
    personalities: countBelow(info, 'Personalities:') ?? 0,
    pollsSockets: (detail(info, 'NAPI', (_line, value) => value) ?? 'disabled') !== 'disabled',
    polls,
    overflows,
  };
}

/** How many lines of a list follow its title; undefined if there is no such list. */
function countBelow({ details }: FdInfo, title: string): number | undefined {
  const at = details.findIndex(({ text }) => text === title);
  if (at === -1) return undefined;
  const rest = details.slice(at + 1);
  const end = rest.findIndex(({ text }) => !text.startsWith(' '));
  return end === -1 ? rest.length : end;
}
