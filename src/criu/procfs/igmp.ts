// SPDX-License-Identifier: Apache-2.0
import { toText, type ProcText } from '../../common/procfs/line.js';

/** A multicast group that an interface has joined. */
export interface MulticastGroup {
  readonly interfaceIndex: number;
  readonly interfaceName: string;
  /** Address in network order: 4 or 16 bytes. */
  readonly address: Uint8Array;
}

/**
 * Parses /proc/PID/net/igmp: a line for each interface, and below it one for each group, which is shown as a number
 * in the host's byte order. Source: igmp_mc_seq_show (net/ipv4/igmp.c).
 */
export function parseIgmp(content: ProcText): readonly MulticastGroup[] {
  const groups: MulticastGroup[] = [];
  let [interfaceIndex, interfaceName] = [0, ''];
  for (const line of toText(content).split('\n')) {
    const device = /^(\d+)\t(\S+) *:/.exec(line);
    if (device) [interfaceIndex, interfaceName] = [Number(device[1]), device[2] ?? ''];
    const number = /^\t+([0-9A-F]{8}) /.exec(line)?.[1];
    if (number === undefined) continue;
    const address = Buffer.from(number, 'hex').reverse();
    groups.push({ interfaceIndex, interfaceName, address });
  }
  return groups;
}

/** Parses /proc/PID/net/igmp6: a line for each group. Source: igmp6_mc_seq_show (net/ipv6/mcast.c). */
export function parseIgmp6(content: ProcText): readonly MulticastGroup[] {
  return toText(content)
    .split('\n')
    .flatMap((line) => {
      const match = /^(\d+) +(\S+) +([0-9a-f]{32}) /.exec(line);
      if (!match) return [];
      const [, index, interfaceName = '', address = ''] = match;
      return [
        { interfaceIndex: Number(index), interfaceName, address: Buffer.from(address, 'hex') },
      ];
    });
}
