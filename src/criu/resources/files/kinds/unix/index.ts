// SPDX-License-Identifier: Apache-2.0
import { AF } from '../../../../../native/abi/index.js';
import type { FileKind } from '../../kind.js';
import { checkSocketOptions } from '../../sockets/checks.js';
import { familyOf } from '../../sockets/family.js';
import { checkFolder, checkLostPeer, checkPeers, checkWaiting } from './check.js';
import { checkPackets } from './check-packets.js';
import { UnixSockets } from './dump.js';
import { UnixQueuePlan } from './queue-plan.js';
import { UnixPlan } from './plan.js';

/** Unix sockets: names, peers and queues. */
export const UNIX: FileKind<'usk'> = {
  type: 'UNIXSK',
  body: 'usk',
  hasQueue: true,
  claims: (file) => familyOf(file) === AF.unix,
  dump: (context, file) => context.shared(UnixSockets).dump(file),
  explore(context) {
    context.shared(UnixSockets).explore();
  },
  check(socket, _files, what) {
    checkFolder(socket);
    checkLostPeer(socket);
    checkSocketOptions(socket.opts, what);
  },
  checkAll(sockets, files) {
    checkPeers(sockets);
    checkPackets(sockets, files);
    checkWaiting(sockets);
  },
  openAll(plan, sockets) {
    new UnixPlan(plan, sockets).plan();
  },
  beforePlace({ plan, index, nsPid, sequence }) {
    if (nsPid === index.carrier) plan.shared(UnixQueuePlan).fill(plan.stageIn(sequence));
  },
};
