// SPDX-License-Identifier: Apache-2.0
import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { ownPid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { mark } from '../../common/trace.js';
import { makeRoomForDescriptors } from '../../native/descriptor-room.js';
import { exitNow } from '../../native/sys.js';
import { receive } from '../../standby/receive.js';
import { parseArgs } from '../args.js';
import { Bundle } from '../bundle.js';
import { daemonArguments } from '../daemon-arguments.js';
import { openGroup, type Group } from '../group.js';
import { serve } from '../serve.js';
import { joinCgroup } from '../shim-cgroup.js';
import { decodeHandover, encodeAnswer } from './handover.js';
import type { VisibleArguments } from '../../standby/visible-arguments.js';

/**
 * In a fork of the standby: does what a `start` asks for. It becomes the group's daemon, or ends if the group has
 * one. It answers when all is done; until then nothing has been promised, and the launcher does the same in another
 * way. Never rejects.
 */
export async function becomeDaemon(connection: Socket, title: VisibleArguments): Promise<void> {
  mark('forked');
  let group: Group | undefined;
  try {
    const request = await receive(connection, decodeHandover);
    const args = parseArgs(request.argv);
    if (args.action !== 'start') throw new ShimError('invalidArgument', 'only start is served');
    process.chdir(request.cwd);
    const bundle = new Bundle(request.cwd);
    group = await openGroup(args, bundle, request.input);
    if (group.server !== undefined) {
      makeRoomForDescriptors(); // While there is a single thread.
      if (group.shimCgroup !== '') joinCgroup(ownPid(), group.shimCgroup);
      title.replace(['containerd-shim-mvas-v1', ...daemonArguments(args, group.socket)]);
      serve({ ...args, action: 'serve', socket: group.socket }, group.server);
    }
    bundle.write(bundle.address, group.address);
    const isDaemon = group.server !== undefined;
    mark('answer start');
    connection.end(encodeAnswer(group.address), () => {
      if (!isDaemon) exitNow(0);
    });
  } catch {
    // Before the launcher hears of it: it must not take us for a daemon.
    if (group?.server !== undefined) rmSync(group.socket, { force: true });
    exitNow(1); // The launcher finds the same fault by itself, and reports it.
  }
}
