// SPDX-License-Identifier: Apache-2.0
import { AF, SOL } from '../../../../native/abi/index.js';
import type { InetSkEntry } from '../../../image/types.js';
import type { Stage } from '../stage.js';
import { setOption } from './plan-options.js';

/** IP_FREEBIND of IPv4 and of IPv6 (linux/in.h, linux/in6.h). */
const FREEBIND = { [AF.inet]: [SOL.ip, 15], [AF.inet6]: [SOL.ipv6, 78] } as const;

/** Lets a socket bind to any address for the moment. */
export function planFree(
  stage: Stage,
  number: number,
  { family, opts }: InetSkEntry,
  bind: () => void,
): void {
  const option = family === AF.inet6 ? FREEBIND[AF.inet6] : FREEBIND[AF.inet];
  const kept = opts.mvas_options.find(
    ({ level, name }) => level === option[0] && name === option[1],
  );
  setOption(stage, number, option, 1);
  bind();
  setOption(stage, number, option, kept?.value[0] ?? 0);
}
