// SPDX-License-Identifier: Apache-2.0
import { AF } from '../../../../../native/abi/index.js';
import type { FileKind } from '../../kind.js';
import { familyOf } from '../../sockets/family.js';
import { checkPacketSocket } from './check.js';
import { dumpPacketSocket } from './dump.js';
import { PacketRings } from './dump-rings.js';
import { openPacketSocket } from './plan.js';
import { mappedRing } from './ring-blocks.js';

/**
 * A packet socket (packet(7)): protocol, interface and memberships by the names of interfaces, options, fanout group. Packets that
 * wait in it are lost, as the kernel may drop them at any time, except for those of a ring (TPACKET_V3) that the kernel has
 * given to the program, which may be reading them.
 */
export const PACKET: FileKind<'psk'> = {
  type: 'PACKETSK',
  body: 'psk',
  claims: (file) => familyOf(file) === AF.packet,
  dump: dumpPacketSocket,
  check(body, _files, what) {
    checkPacketSocket(body, what);
  },
  dumpMapping: (context, file, mapping) => context.shared(PacketRings).map(file, mapping),
  dumpMapped(context) {
    context.shared(PacketRings).finish();
  },
  ringOf: ({ rx_ring: ring }) => ring && mappedRing(ring),
  open: openPacketSocket,
};
