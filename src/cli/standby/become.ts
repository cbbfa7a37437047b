// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { ownPid, type HostPid } from '../../common/ids.js';
import { rereadDebugVariable } from '../../common/log.js';
import { mark } from '../../common/trace.js';
import { makeRoomForDescriptors } from '../../native/descriptor-room.js';
import { call, exitNow, openPidfd, SYS } from '../../native/sys.js';
import { receive } from '../../standby/receive.js';
import type { VisibleArguments } from '../../standby/visible-arguments.js';
import { decodeCaller, decodeGo, encodeWord } from './handover.js';
import { dieWith } from './die-with.js';

const STREAMS = [0, 1, 2];
/** The launcher drops it as well. */
const DROPPED = 'NODE_EXTRA_CA_CERTS';

/**
 * In a fork of the standby: runs the command for which a launcher was called, as if it were the launcher.
 * Until the launcher says go, it may still run the command in another way. Never rejects.
 */
export async function becomeCommand(
  connection: Socket,
  title: VisibleArguments,
  run: () => Promise<void>,
): Promise<void> {
  makeRoomForDescriptors(); // While there is a single thread.
  try {
    mark('command forked');
    const caller = await receive(connection, decodeCaller);
    const pidfd = openPidfd(caller.pid);
    const take = (fd: number): number =>
      call(`take descriptor ${String(fd)} of the launcher`, SYS.pidfd_getfd, pidfd, fd, 0);
    for (const fd of STREAMS) replace(fd, take(fd));
    dieWith(take(caller.life));
    const status = take(caller.status);
    closeSync(pidfd);
    takeWords(caller.pid, title);
    process.chdir(`/proc/${String(caller.pid)}/cwd`);
    connection.write(encodeWord(ownPid()));
    await receive(connection, decodeGo);
    connection.destroy();
    // This must run before the listener that ends the process.
    process.prependListener('exit', (code) => {
      letGoOfStreams();
      writeSync(status, encodeWord(code));
    });
  } catch {
    exitNow(1);
  }
  mark('command begins');
  await run();
}

/** Replaces a descriptor by another. */
function replace(place: number, fd: number): void {
  call(`replace descriptor ${String(place)}`, SYS.dup3, fd, place, 0);
  closeSync(fd);
}

/**
 * Whoever reads the output sees its end now: the kernel closes descriptors only when it has freed the memory (10 ms and more). If
 * that fails, they see it then.
 */
function letGoOfStreams(): void {
  try {
    const nothing = openSync('/dev/null', constants.O_RDWR);
    for (const fd of STREAMS) call('let go of a stream', SYS.dup3, nothing, fd, 0);
  } catch {
    // The status is to be said nevertheless.
  }
}

/** Takes over the arguments and the environment of a process. */
function takeWords(pid: HostPid, title: VisibleArguments): void {
  const wordsOf = (file: string): string[] =>
    readFileSync(`/proc/${String(pid)}/${file}`, 'utf8')
      .split('\0')
      .slice(0, -1);
  const words = wordsOf('cmdline');
  process.argv.splice(2, Infinity, ...words.slice(1));
  try {
    title.replace(words);
  } catch {
    // They do not fit: others see the standby's arguments.
  }
  for (const name of Object.keys(process.env)) Reflect.deleteProperty(process.env, name);
  for (const variable of wordsOf('environ')) {
    const equals = variable.indexOf('=', 1);
    const name = variable.slice(0, equals);
    if (equals > 0 && name !== DROPPED) process.env[name] = variable.slice(equals + 1);
  }
  rereadDebugVariable();
}
