// SPDX-License-Identifier: Apache-2.0
import { connect } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { listenAt } from '../../common/listen-at.js';
import { Scope } from '../../common/scope.js';
import { receive } from '../../standby/receive.js';
import { parseArgs } from '../args.js';
import { Bundle } from '../bundle.js';
import { openGroup, type Group } from '../group.js';
import { encode } from '../proto/codec.js';
import { BootstrapParams } from '../proto/messages/bootstrap.js';
import { decodeHandover, encodeHandover } from './handover.js';

/**
 * What a fork does with a `start` until it listens: receives it, and opens the group of its container.
 *
 * @param directory for its sockets; private to the caller, who removes them
 */
export async function openSampleGroup(directory: string, path: string, id: string): Promise<Group> {
  const words = [
    '-namespace',
    id,
    '-id',
    id,
    '-address',
    join(directory, 'containerd.sock'),
    'start',
  ];
  const ours = { instanceId: id, namespace: id, socketDir: directory };
  const sent = { input: encode(BootstrapParams, ours), cwd: path, argv: words };
  const scope = new Scope();
  try {
    const server = await listenAt(join(directory, 'handover'));
    scope.defer('close the server', () => {
      server.close();
    });
    const launcher = connect(join(directory, 'handover'));
    scope.defer('close the connection', () => {
      launcher.destroy();
    });
    const [connection] = (await once(server, 'connection')) as [typeof launcher];
    scope.defer('close the other end', () => {
      connection.destroy();
    });
    launcher.write(encodeHandover(sent));
    const { argv, cwd, input } = await receive(connection, decodeHandover);
    return await openGroup(parseArgs(argv), new Bundle(cwd), input);
  } finally {
    await scope.close();
  }
}
