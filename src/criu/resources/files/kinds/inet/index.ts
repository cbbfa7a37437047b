// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import { AF, SOCK } from '../../../../../native/abi/index.js';
import type { FileKind } from '../../kind.js';
import { checkSocketOptions } from '../../sockets/checks.js';
import { familyOf } from '../../sockets/family.js';
import { checkMulticast } from '../../sockets/multicast.js';
import { checkKeys } from '../../sockets/tcp-keys.js';
import { checkConnection, checkStreams } from './check.js';
import { TcpConnections } from './connections.js';
import { dumpSocket } from './dump.js';
import { openSockets } from './plan.js';

/** Internet sockets: TCP, UDP in every state, ping and raw sockets. */
export const INET: FileKind<'isk'> = {
  type: 'INETSK',
  body: 'isk',
  hasQueue: true,
  claims: (file) => [AF.inet, AF.inet6].some((family) => familyOf(file) === family),
  dump: dumpSocket,
  dumpRest(context) {
    context.shared(TcpConnections).finish();
  },
  check(socket, { image }, what) {
    if (![SOCK.stream, SOCK.dgram, SOCK.raw].some((type) => type === socket.type)) {
      badImage(`${what}: a socket of an impossible type`);
    }
    checkMulticast(socket, what);
    checkSocketOptions(socket.opts, what);
    checkKeys(socket, what);
    checkConnection(image, socket, what);
  },
  checkAll: checkStreams,
  openAll: openSockets,
};
