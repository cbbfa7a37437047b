// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import { joinedIn } from './join-plan.js';
import type { LiveFacts } from './live-facts.js';

/**
 * A descriptor that a plan is run with: a pidfd of the donor, or one of its namespaces, new stdio, /dev/mvas, the plan's
 * own file, a pidfd of the keeper or of the init whose place is taken, the memory of a process, the directory of its mapped files, or a sysctl below /proc/sys.
 */
export type Given =
  | 'donor'
  | 0
  | 1
  | 2
  | 'device'
  | 'plan'
  | { readonly pid: HostPid }
  | { readonly memory: HostPid }
  | { readonly mapFiles: HostPid }
  | { readonly namespace: string }
  | { readonly sysctl: string };

/** What a plan does with descriptors. */
interface Uses {
  /** Whether processes exec their memory. */
  readonly execs: boolean;
  /** Whether they read from the memory of the root. */
  readonly reads: boolean;
  /** Whether it writes to files that the root has mapped. */
  readonly fills: boolean;
  /** The sysctls that are written, below /proc/sys. */
  readonly sysctls: readonly string[];
}

/** What a plan is run with, in the order of the first slots. */
export function givenTo(facts: LiveFacts, { execs, reads, fills, sysctls }: Uses): Given[] {
  const streams = ([0, 1, 2] as const).filter((which) => facts.stdio[which]);
  const pids = [facts.held?.keeper, facts.predecessor?.pid];
  return [
    ...joinedIn(facts),
    ...streams,
    ...(execs ? (['device', 'plan'] as const) : []),
    ...pids.flatMap((pid) => (pid ? [{ pid }] : [])),
    ...(reads ? [{ memory: facts.initPid }] : []),
    ...(fills ? [{ mapFiles: facts.initPid }] : []),
    ...sysctls.map((sysctl) => ({ sysctl })),
  ];
}
