// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { parseIgmp, parseIgmp6 } from '../../../../src/criu/procfs/igmp.js';

const IGMP = `\
Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter
1\tlo        :     1      V3
\t\t\t\t010000E0     1 0:00000000\t\t0
14\teth0.quite-long:     2      V3
\t\t\t\t030201EF     1 0:00000000\t\t0
\t\t\t\t010000E0     1 1:000000A3\t\t1
`;

const IGMP6 = `\
1    lo              ff020000000000000000000000000001     1 0000000C 0
14   eth0.quite-long ff050000000000000000000000000123     2 00000004 0
`;

test('groups of IPv4 come with the interface above them, in network order', (t) => {
  t.deepEqual(
    parseIgmp(IGMP).map(({ interfaceIndex, interfaceName, address }) => [
      interfaceIndex,
      interfaceName,
      address.join('.'),
    ]),
    [
      [1, 'lo', '224.0.0.1'],
      [14, 'eth0.quite-long', '239.1.2.3'],
      [14, 'eth0.quite-long', '224.0.0.1'],
    ],
  );
  t.deepEqual(parseIgmp(''), []);
});

test('groups of IPv6 have a line each', (t) => {
  const [lo, eth] = parseIgmp6(IGMP6);
  t.is(lo?.interfaceName, 'lo');
  t.is(eth?.interfaceIndex, 14);
  t.is(Buffer.from(eth?.address ?? []).toString('hex'), `ff05${'0'.repeat(25)}123`);
  t.deepEqual(parseIgmp6(''), []);
});
