// SPDX-License-Identifier: Apache-2.0
import { AF } from '../../../../../native/abi/index.js';
import type { FileKind } from '../../kind.js';
import { checkSocketOptions } from '../../sockets/checks.js';
import { familyOf } from '../../sockets/family.js';
import { checkFolder, checkPeers } from './check.js';
import { UnixSockets } from './dump.js';
import { UnixPlan } from './plan.js';

/** Unix sockets: names, peers and queues. */
export const UNIX: FileKind<'usk'> = {
  type: 'UNIXSK',
  body: 'usk',
  hasQueue: true,
  claims: (file) => familyOf(file) === AF.unix,
  dump: (context, file) => context.shared(UnixSockets).dump(file),
  check(socket, _files, what) {
    checkFolder(socket);
    checkSocketOptions(socket.opts, what);
  },
  checkAll: checkPeers,
  openAll(plan, sockets) {
    new UnixPlan(plan, sockets).plan();
  },
};
