// SPDX-License-Identifier: Apache-2.0
import { SYS } from '../../../../native/sys.js';
import type { EventpollFileEntry, EventpollTfdEntry } from '../../../image/types.js';
import type { PlanBuilder, Sequence } from '../../../plan/builder.js';
import type { EpollTarget } from '../../../procfs/fdinfo-kinds.js';
import { O } from '../abi.js';
import type { DumpContext } from '../dump-context.js';
import { isEpollTarget } from '../kcmp.js';
import type { OpenFile } from '../open-file.js';
import { dumpOwner } from '../owner.js';
import type { Stage } from '../stage.js';

const EPOLL_CTL_ADD = 1;

/** An epoll instance with what it watches; `id` of a target is the watched file's. */
export function dumpEpoll(context: DumpContext, file: OpenFile): EventpollFileEntry {
  const seen = new Map<number, number>();
  const tfd: EventpollTfdEntry[] = [];
  for (const target of file.info.epollTargets) {
    const nth = seen.get(target.fd) ?? 0;
    seen.set(target.fd, nth + 1);
    const watched = findTarget(context, file, target, nth);
    if (!watched) {
      const number = String(target.fd);
      context.refusals.add(
        file.where,
        `watches fd ${number}, which is open in no process any more; remedy: close it`,
      );
      continue;
    }
    tfd.push({
      id: watched.id,
      tfd: target.fd,
      events: target.events,
      data: target.data,
      dev: Number(watched.stat.dev & 0xffffffffn),
      inode: watched.stat.ino,
      pos: watched.info.pos,
    });
  }
  return { id: file.id, flags: file.flags, fown: dumpOwner(context, file), tfd };
}

/** First the files which have the number now, then all others of the inode, then all. */
function findTarget(
  context: DumpContext,
  epoll: OpenFile,
  target: EpollTarget,
  nth: number,
): OpenFile | undefined {
  const matches = (file: OpenFile): boolean => isEpollTarget(epoll.own, target.fd, nth, file.own);
  for (const table of context.open.tables) {
    const there = table.descriptors.find(({ fd }) => fd === target.fd)?.file;
    if (there && matches(there)) return there;
  }
  const { file: identity } = target;
  const { files } = context.open;
  return files.find((file) => (!identity || file.stat.ino === identity.inode) && matches(file));
}

/** Makes an epoll instance that watches nothing yet. */
export function planEpoll(stage: Stage, entry: EventpollFileEntry, number: number): void {
  stage.make(`make epoll ${String(entry.id)}`, number, SYS.epoll_create1, [O.cloexec]);
}

/**
 * Adds a target to an epoll instance. The target's file must be open under its number `tfd` at that
 * moment, in the process which runs the sequence.
 */
export function planEpollAdd(
  builder: PlanBuilder,
  sequence: Sequence,
  epoll: number,
  target: EventpollTfdEntry,
): void {
  const event = Buffer.alloc(12);
  event.writeUInt32LE(target.events, 0);
  event.writeBigUInt64LE(target.data, 4);
  const args = [epoll, EPOLL_CTL_ADD, target.tfd, builder.data(event)];
  sequence.syscall(`watch fd ${String(target.tfd)} by epoll`, SYS.epoll_ctl, args);
}
