// SPDX-License-Identifier: Apache-2.0
import { AF } from '../../../../../native/abi/index.js';
import type { FileKind } from '../../kind.js';
import { familyOf } from '../../sockets/family.js';
import { checkPacketSocket } from './check.js';
import { dumpPacketSocket } from './dump.js';
import { openPacketSocket } from './plan.js';

/**
 * A packet socket (packet(7)): protocol, interface and memberships by the names of interfaces, options, fanout group. Packets that
 * wait in it are lost, as the kernel may drop them at any time.
 */
export const PACKET: FileKind<'psk'> = {
  type: 'PACKETSK',
  body: 'psk',
  claims: (file) => familyOf(file) === AF.packet,
  dump: dumpPacketSocket,
  check(body, _files, what) {
    checkPacketSocket(body, what);
  },
  open: openPacketSocket,
};
