// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { ShimError } from '../../../src/common/errors.js';
import { copyMessages } from '../../../src/native/index.js';
import { call, cString, SYS } from '../../../src/native/sys.js';

/*
 * In an IPC namespace of its own: makes a queue with many messages, and has it copied without end by processes that
 * it kills. At last shows priority and text of what is there. With `copy` as its argument, it is one of these processes.
 */

const O_RDWR_CREAT_NONBLOCK = 0o2 | 0o100 | 0o4000;
/** So many that most of the time some of them are out of the queue. */
const COUNT = 400;
const SIZE = 1024;

writeFileSync('/proc/sys/fs/mqueue/msg_max', String(COUNT));
const attributes = Buffer.alloc(64);
attributes.writeBigUInt64LE(BigInt(COUNT), 8);
attributes.writeBigUInt64LE(BigInt(SIZE), 16);
const args = [cString('letters'), O_RDWR_CREAT_NONBLOCK, 0o600, attributes] as const;
const queue = call('open a message queue', SYS.mq_open, ...args);
const data = Buffer.alloc((COUNT + 1) * SIZE);
const sizes = new Uint32Array(COUNT * 2);

function copy(): void {
  const copied = copyMessages(queue, data, sizes);
  if (copied !== COUNT) throw new ShimError('internal', `copied ${String(copied)} messages`);
}

async function main([kills = '0']: readonly string[]): Promise<void> {
  for (let index = COUNT - 1; index >= 0; index--) {
    const other = index ^ 1; // Of each priority, the lower comes first.
    const text = Buffer.alloc(SIZE, ' ');
    text.write(String(other));
    const priority = COUNT - (other >> 1);
    call('send a message', SYS.mq_timedsend, queue, text, text.length, priority, null);
  }
  for (let kill = 0; kill < Number(kills); kill++) {
    const child = spawn(process.execPath, [process.argv[1] ?? '', 'copy'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    // Its output ends once the process that had the queue has ended, too.
    const ended = once(child, 'close');
    await Promise.race([once(child.stdout, 'data'), ended]); // It copies by now.
    child.kill('SIGKILL');
    await ended;
  }
  copy();
  let at = 0;
  const shown = Array.from({ length: COUNT }, (_, index) => {
    const [size = 0, priority = 0] = sizes.subarray(index * 2);
    const text = data.toString('latin1', at, at + size).trimEnd();
    at += size;
    return `${String(priority)}:${text}`;
  });
  console.log(shown.join());
}

if (process.argv[2] === 'copy') {
  copy();
  process.stdout.write('copying\n');
  for (;;) copy();
}
await main(process.argv.slice(2));
