// SPDX-License-Identifier: Apache-2.0
import { SYS } from '../../../../native/sys.js';
import type { EventpollFileEntry, EventpollTfdEntry } from '../../../image/types.js';
import type { FdInfo } from '../../../procfs/fdinfo.js';
import type { Line } from '../../../../common/procfs/line.js';
import { F, O, SETTABLE } from '../../../../native/abi/index.js';
import type { DumpContext } from '../dump-context.js';
import { isEpollTarget } from '../kcmp.js';
import type { OpenFile } from '../open-file.js';
import { dumpOwner } from '../owner.js';
import type { PlanContext } from '../plan-context.js';
import { bodyOf, MAX_FD } from '../../../image/entry-kind.js';
import { badImage } from '../../../../common/errors.js';
import type { FoundFile, FileKind } from '../kind.js';
import type { TablePlan } from '../table-plan.js';
import type { OpeningTime } from '../image-index.js';
import { anonymousName } from './anonymous.js';

const EPOLL_CTL_ADD = 1;

/** An epoll instance, with the files that it watches. */
export const EPOLL: FileKind<'epfd'> = {
  type: 'EVENTPOLL',
  body: 'epfd',
  claims: (file: FoundFile) => anonymousName(file) === 'eventpoll',
  dump,
  check({ tfd }, _files, what) {
    if (tfd.some(({ tfd: fd }) => fd >= MAX_FD)) badImage(`${what}: it watches no descriptor`);
  },
  needs: ({ tfd }) => tfd.map(({ id, tfd: fd }) => ({ id, fd })),
  open,
  beforePlace: watchLent,
  afterPlace: watchPlaced,
  afterDrop(table) {
    for (const watch of watchesOf(table, 'late')) {
      watchBy(table, table.descriptorOf(watch.epoll), watch.target);
    }
  },
  finish({ sequence }, { flags }, fd) {
    if ((flags & SETTABLE) === 0) return;
    sequence.syscall(`flags of fd ${String(fd)}`, SYS.fcntl, [fd, F.setfl, flags & SETTABLE]);
  },
};

/** `id` of a target is that of the watched file. */
function dump(context: DumpContext, file: OpenFile): EventpollFileEntry {
  const seen = new Map<number, number>();
  const tfd: EventpollTfdEntry[] = [];
  for (const target of epollTargets(file.info)) {
    const nth = seen.get(target.fd) ?? 0;
    seen.set(target.fd, nth + 1);
    const watched = findTarget(context, file, target, nth);
    if (!watched) {
      const number = String(target.fd);
      context.refusals.add(
        file.where,
        `watches fd ${number}, which is no longer open in any process; remedy: close it`,
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

/** First the files that have the number now, then all others of the inode, then all. */
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

/** Creates an epoll instance that watches nothing yet. */
function open({ stage }: PlanContext, entry: EventpollFileEntry, number: number): void {
  stage.make(`make epoll ${String(entry.id)}`, number, SYS.epoll_create1, [O.cloexec]);
}

/** A target, and the id of the instance that watches it. */
interface Watch {
  readonly epoll: number;
  readonly target: EventpollTfdEntry;
}

/** Files opened at the same time, watched by instances for which a process acts. */
function watchesOf({ index, nsPid }: TablePlan, time: OpeningTime): Watch[] {
  return index
    .filesOf('EVENTPOLL')
    .filter(({ id }) => index.actsFor(nsPid, id))
    .flatMap((file) => bodyOf(file, 'epfd').tfd.map((target) => ({ epoll: file.id, target })))
    .filter(({ target }) => index.timeOf(index.file(target.id)) === time);
}

function isPlaced(table: TablePlan, { target }: Watch): boolean {
  return table.fileAt(target.tfd) === target.id;
}

/** A file whose number now refers to another file gets that number for a moment. */
function watchLent(table: TablePlan): void {
  for (const watch of watchesOf(table, 'early')) {
    if (isPlaced(table, watch)) continue;
    const { id, tfd } = watch.target;
    const args = [table.plan.staged(id), tfd, 0];
    table.sequence.syscall(`lend fd ${String(tfd)}`, SYS.dup3, args);
    watchBy(table, table.plan.staged(watch.epoll), watch.target);
  }
}

function watchPlaced(table: TablePlan): void {
  const early = watchesOf(table, 'early').filter((watch) => isPlaced(table, watch));
  for (const { epoll, target } of [...early, ...watchesOf(table, 'forked')]) {
    watchBy(table, table.plan.staged(epoll), target);
  }
}

/**
 * Adds a target to an epoll instance. At that moment, the target's file must be open under its number `tfd` in the
 * process that runs the sequence.
 */
function watchBy(
  { builder, sequence }: TablePlan,
  epoll: number,
  { tfd, events, data }: EventpollTfdEntry,
): void {
  const event = Buffer.alloc(12);
  event.writeUInt32LE(events, 0);
  event.writeBigUInt64LE(data, 4);
  const args = [epoll, EPOLL_CTL_ADD, tfd, builder.data(event)];
  sequence.syscall(`watch fd ${String(tfd)} by epoll`, SYS.epoll_ctl, args);
}

/** What fdinfo says of an instance. */
export function epollTargets({ details }: FdInfo): EpollTarget[] {
  return details.filter(({ text }) => text.startsWith('tfd:')).map(parseTarget);
}

/** A file an epoll instance watches. Source: ep_show_fdinfo(). */
interface EpollTarget {
  /** The number it was added by; that descriptor may have been closed or refer to another file since. */
  readonly fd: number;
  /** EPOLL* bits, flags such as EPOLLET (1 << 31) included. */
  readonly events: number;
  /** What the application passed as epoll_data. */
  readonly data: bigint;
  /** Identity of the file: position, inode and device; undefined before Linux 4.13. */
  readonly file:
    { readonly pos: bigint; readonly inode: bigint; readonly sdev: bigint } | undefined;
}

/** Parses `tfd: 3 events: 19 data: ff  pos:0 ino:3e8 sdev:9`. */
function parseTarget(line: Line): EpollTarget {
  const [, fd, events, data, pos, inode, sdev] = line.match(
    /^tfd: *(\d+) events: *([0-9a-f]+) data: *([0-9a-f]+)(?: +pos:(-?\d+) ino:([0-9a-f]+) sdev:([0-9a-f]+))?$/,
  );
  const file =
    pos === undefined
      ? undefined
      : { pos: line.bigInteger(pos), inode: line.hex(inode), sdev: line.hex(sdev) };
  return { fd: line.integer(fd), events: line.hexInteger(events), data: line.hex(data), file };
}
