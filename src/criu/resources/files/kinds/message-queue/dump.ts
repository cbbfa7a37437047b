// SPDX-License-Identifier: Apache-2.0
import { fstatSync, readdirSync, readSync, type BigIntStats } from 'node:fs';
import { encodeBytes, decodeBytes } from '../../../../../common/bytes.js';
import { ownPid } from '../../../../../common/ids.js';
import { ShimError } from '../../../../../common/errors.js';
import { O } from '../../../../../native/abi/index.js';
import { copyMessages } from '../../../../../native/index.js';
import { call, closeFd, errnoName, SYS } from '../../../../../native/sys.js';
import type {
  MvasMqueueEntry,
  MvasMqueueFileEntry,
  MvasMqueueMessage,
} from '../../../../image/types.js';
import { readNamespace } from '../../../../procfs/reader.js';
import { queuesOf } from '../../../ipc/mount-queues.js';
import type { DumpContext } from '../../dump-context.js';
import { withoutDeleted } from '../../names/container-path.js';
import { inodeKey, type OpenFile } from '../../open-file.js';
import { dumpOwner } from '../../owner.js';
import { openOwn } from '../../system.js';
import { MAX_MESSAGE_BYTES } from './check.js';

/** `struct mq_attr`: flags, most messages, largest message, messages. */
const ATTRIBUTES_SIZE = 64;
const PERMISSIONS = 0o7777;
/** What read(2) says of a queue (mqueue_read_file, ipc/mqueue.c). */
const STATE = /^QSIZE:(\d+) *NOTIFY:\d+ *SIGNO:\d+ *NOTIFY_PID:(\d+)/;
const STATE_SIZE = 128;

/** A queue that is to be copied. */
interface FoundQueue {
  readonly where: string;
  /** A descriptor of ours, for reading and writing. */
  readonly own: number;
  readonly entry: Omit<MvasMqueueEntry, 'messages' | 'max_messages' | 'message_size'>;
}

/** The message queues of a container. */
export class MessageQueues {
  readonly #context: DumpContext;
  readonly #queues = new Map<string, FoundQueue>();
  readonly #isHosts: boolean;
  #room = MAX_MESSAGE_BYTES;

  constructor(context: DumpContext) {
    this.#context = context;
    const { pid } = context.init;
    this.#isHosts = readNamespace(pid, 'ipc') === readNamespace(ownPid(), 'ipc');
    context.atClose(() => {
      for (const { own } of this.#queues.values()) closeFd(own);
    });
  }

  /** An open one; undefined once it is refused. */
  dump(file: OpenFile): MvasMqueueFileEntry | undefined {
    const { id, own, stat, link, where, flags } = file;
    if (this.#isHosts) {
      const why = 'is of an IPC namespace that is not its own; remedy: give it its own';
      this.#context.refusals.add(where, `message queue ${link} ${why}`);
      return undefined;
    }
    const path = stat.nlink === 0n ? withoutDeleted(link) : link;
    const name = path.slice(path.lastIndexOf('/') + 1);
    const queue = this.#add(name, stat, `/proc/self/fd/${String(own)}`, where);
    return { id, flags, fown: dumpOwner(this.#context, file), queue_id: queue };
  }

  /** Adds those that nobody has open, and copies the messages of all. */
  finish(): void {
    if (!this.#isHosts) this.#addNamed();
    // Nothing is touched in vain.
    if (this.#context.refusals.count > 0) return;
    for (const queue of this.#queues.values()) {
      const entry = this.#read(queue);
      if (entry) this.#context.image.mqueues.push(entry);
    }
  }

  #addNamed(): void {
    const mount = queuesOf(this.#context.init.pid, this.#context.lasting);
    if (mount === undefined) return;
    const folder = `/proc/self/fd/${String(mount)}`;
    for (const bytes of readdirSync(folder, { encoding: 'buffer' })) {
      const name = decodeBytes(bytes);
      const own = openOwn(`${folder}/${name}`, O.path);
      try {
        const stat = fstatSync(own, { bigint: true });
        this.#add(name, stat, `/proc/self/fd/${String(own)}`, `message queue /${name}`);
      } finally {
        closeFd(own);
      }
    }
  }

  /** Its id. */
  #add(name: string, stat: BigIntStats, path: string, where: string): number {
    const known = this.#queues.get(inodeKey(stat));
    if (known) return known.entry.queue_id;
    const own = openOwn(path, O.rdwr | O.nonblock);
    const entry = {
      queue_id: this.#queues.size + 1,
      name: encodeBytes(name),
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      mode: Number(stat.mode) & PERMISSIONS,
      ...(stat.nlink === 0n && { is_removed: true }),
    };
    this.#queues.set(inodeKey(stat), { where, own, entry });
    return entry.queue_id;
  }

  #read({ where, own, entry }: FoundQueue): MvasMqueueEntry | undefined {
    const { count, most, size } = attributesOf(own);
    const { bytes, notified } = stateOf(own);
    const { refusals } = this.#context;
    this.#room -= bytes;
    if (notified !== 0) {
      const what = 'a message queue with mq_notify(3) cannot be restored';
      refusals.add(where, `${what}; remedy: take that back`);
      return undefined;
    }
    if (this.#room < 0 || size > MAX_MESSAGE_BYTES) {
      const mib = String(MAX_MESSAGE_BYTES >> 20);
      refusals.add(where, `message queues hold more than ${mib} MiB; remedy: receive some of it`);
      return undefined;
    }
    const messages = count === 0 ? [] : readMessages(where, own, { count, bytes: bytes + size });
    return { ...entry, max_messages: most, message_size: size, messages };
  }
}

function attributesOf(queue: number): {
  readonly most: number;
  readonly size: number;
  readonly count: number;
} {
  const attributes = Buffer.alloc(ATTRIBUTES_SIZE);
  call('get the attributes of a message queue', SYS.mq_getsetattr, queue, null, attributes);
  const [most = 0, size = 0, count = 0] = [8, 16, 24].map((at) => {
    return Number(attributes.readBigUInt64LE(at));
  });
  return { most, size, count };
}

/** How many bytes are in it, and who is told of a message. */
function stateOf(queue: number): { readonly bytes: number; readonly notified: number } {
  const text = Buffer.alloc(STATE_SIZE);
  const length = readSync(queue, text, 0, text.length, 0);
  const [, bytes = '0', notified = '0'] = STATE.exec(text.toString('latin1', 0, length)) ?? [];
  return { bytes: Number(bytes), notified: Number(notified) };
}

function readMessages(
  where: string,
  queue: number,
  { count, bytes }: { readonly count: number; readonly bytes: number },
): MvasMqueueMessage[] {
  const [data, sizes] = [Buffer.alloc(bytes), new Uint32Array(count * 2)];
  const copied = copyMessages(queue, data, sizes);
  if (copied < 0) {
    throw new ShimError('internal', `${where}: copy its messages: ${errnoName(copied)}`);
  }
  const messages: MvasMqueueMessage[] = [];
  let at = 0;
  for (let index = 0; index < copied; index++) {
    const [size = 0, priority = 0] = sizes.subarray(index * 2);
    messages.push({ priority, data: data.subarray(at, at + size) });
    at += size;
  }
  return messages;
}
