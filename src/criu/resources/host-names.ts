// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { type HostPid, ownPid } from '../../common/ids.js';
import type { HostNames } from '../../common/host-names.js';
import { logger } from '../../common/log.js';
import { readNamespace } from '../procfs/reader.js';
import { inNamespaceOf } from './in-namespace.js';

const log = logger('names');

/**
 * Logs which names a container has given itself: a restored container has those of its spec.
 *
 * @param expected by its spec; undefined if it shares the names of others
 */
export function warnOfHostNames(initPid: HostPid, expected: HostNames | undefined): void {
  if (!expected || readNamespace(initPid, 'uts') === readNamespace(ownPid(), 'uts')) return;
  const found = inNamespaceOf(initPid, 'uts', readNames);
  const wanted = { ...readNames(), ...expected };
  for (const kind of ['hostname', 'domainname'] as const) {
    if (found[kind] === wanted[kind]) continue;
    const fields = { found: found[kind], restored: wanted[kind] };
    log.warn(`the ${kind} has been changed, and is not kept`, fields);
  }
}

/** Those of the calling thread's UTS namespace. */
function readNames(): Required<HostNames> {
  const read = (kind: string): string =>
    readFileSync(`/proc/sys/kernel/${kind}`, 'utf8').replace(/\n$/, '');
  return { hostname: read('hostname'), domainname: read('domainname') };
}
