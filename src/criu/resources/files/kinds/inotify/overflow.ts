// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../../../common/errors.js';
import { AF, IOCTL, SOCK } from '../../../../../native/abi/index.js';
import { SYS } from '../../../../../native/sys.js';
import type { PlanContext } from '../../plan-context.js';
import { cPath } from '../../system.js';

const IN_ATTRIB = 4;
/** `struct inotify_event` without a name. */
const EVENT_SIZE = 16;
const PERMISSIONS = 0o700;
const WORD = 8;
/** Changes of permissions in a table, which is used again and again; even, so that files alternate. */
const TABLE_ROWS = 1024;
const EVENTS_AT_ONCE = 4096;
/** Events of all instances together: 128 (fs.inotify.max_user_instances) of 16384 (max_queued_events) are twice this. */
const MOST_EVENTS = 1 << 20;

/** Makes inotify instances that report IN_Q_OVERFLOW, as the kernel does where it has dropped events. */
export class InotifyOverflow {
  readonly #plan: PlanContext;
  #count = 0;

  constructor(plan: PlanContext) {
    this.#plan = plan;
  }

  /**
   * Fills the queue of a new instance, which has no watches yet, so that the kernel adds the overflow, and reads all that
   * lies before that. The events are of two sockets that alternate: an event that equals the last one is not queued.
   *
   * @throws ShimError `failedPrecondition` where the host lets queues be too long for that
   */
  plan(what: string, inotify: number): void {
    const { stage, options } = this.#plan;
    const room = options.queuedEvents;
    this.#checkRoom(what, room);
    const watched = [stage.reserve(), stage.reserve()] as const;
    const before = [AF.unix, SOCK.stream | SOCK.cloexec, 0];
    stage.makePair(what, watched, SYS.socketpair, { before, after: [] });
    watched.forEach((socket, index) => {
      const path = stage.builder.data(cPath(`/proc/self/fd/${String(socket)}`), 1);
      stage.run(what, SYS.inotify_add_watch, [inotify, path, IN_ATTRIB], index + 1);
    });
    this.#planEvents(what, watched, room + 1);
    // The queue is full: that they are no longer watched is not reported.
    watched.forEach((_, index) => {
      stage.run(what, SYS.inotify_rm_watch, [inotify, index + 1]);
    });
    this.#planRead(what, inotify, room);
    for (const socket of watched) stage.close(socket);
    stage.run(what, SYS.ioctl, [inotify, IOCTL.setNextWd, 1]);
  }

  #checkRoom(what: string, room: number): void {
    this.#count += room;
    if (this.#count <= MOST_EVENTS) return;
    const why = `unread events become IN_Q_OVERFLOW, for which ${String(this.#count)} events are too many`;
    const remedy = 'remedy: try again once they are read, or lower fs.inotify.max_queued_events';
    throw new ShimError('failedPrecondition', `${what}: ${why}; ${remedy}`);
  }

  #planEvents(what: string, watched: readonly number[], count: number): void {
    const { builder, sequence } = this.#plan.stage;
    const rows = Array.from({ length: TABLE_ROWS }, (_, row) => [
      BigInt(watched[row % watched.length] ?? 0),
      BigInt(PERMISSIONS),
    ]);
    const words = BigUint64Array.from(rows.flat());
    const data = builder.data(new Uint8Array(words.buffer), WORD);
    for (let made = 0; made < count; made += TABLE_ROWS) {
      sequence.rows({ nr: SYS.fchmod, data, width: 2, what: () => `${what}: make an event` });
    }
  }

  #planRead(what: string, inotify: number, count: number): void {
    const { stage } = this.#plan;
    const buffer = stage.builder.reserve(EVENTS_AT_ONCE * EVENT_SIZE);
    for (let read = 0; read < count; read += EVENTS_AT_ONCE) {
      const bytes = Math.min(EVENTS_AT_ONCE, count - read) * EVENT_SIZE;
      stage.run(`${what}: read events`, SYS.read, [inotify, buffer, bytes], bytes);
    }
  }
}
