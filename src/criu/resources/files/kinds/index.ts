// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../common/errors.js';
import type { FdTypes, FileEntry } from '../../../image/types.js';
import type { FileKind } from '../kind.js';
import { EPOLL } from './epoll.js';
import { EVENTFD } from './eventfd.js';
import { FIFO } from './fifo.js';
import { INET } from './inet/index.js';
import { INOTIFY } from './inotify/index.js';
import { IO_URING } from './io-uring/index.js';
import { MEMFD } from './memfd.js';
import { MESSAGE_QUEUE } from './message-queue/index.js';
import { NAMESPACE } from './namespace.js';
import { NETLINK } from './netlink.js';
import { PACKET } from './packet/index.js';
import { PIDFD } from './pidfd.js';
import { PIPE } from './pipe.js';
import { REGULAR } from './regular/index.js';
import { SIGNALFD } from './signalfd.js';
import { TERMINAL } from './terminal/index.js';
import { TIMERFD } from './timerfd.js';
import { UNIX } from './unix/index.js';

/**
 * All kinds of files. The first that claims a file has it; files that are created together are created in this
 * order.
 */
export const FILE_KINDS: readonly FileKind[] = [
  EVENTFD,
  SIGNALFD,
  TIMERFD,
  EPOLL,
  INOTIFY,
  PIDFD,
  IO_URING,
  NAMESPACE,
  INET,
  NETLINK,
  PACKET,
  PIPE,
  FIFO,
  MEMFD,
  MESSAGE_QUEUE,
  UNIX,
  TERMINAL,
  REGULAR,
];

const BY_TYPE: ReadonlyMap<FdTypes, FileKind> = new Map(
  FILE_KINDS.map((kind) => [kind.type, kind]),
);

/** The kind of an entry of an image. Throws ShimError `dataLoss` if there is none. */
export function kindOf({ id, type }: FileEntry): FileKind {
  const kind = BY_TYPE.get(type);
  return kind ?? badImage(`file ${String(id)}: files of kind ${type} are not restored`);
}
