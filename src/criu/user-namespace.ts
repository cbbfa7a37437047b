// SPDX-License-Identifier: Apache-2.0
import { fstatSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { HostPid, NsPid } from '../common/ids.js';
import { ShimError } from '../common/errors.js';
import { O } from '../native/abi/index.js';
import { call, closeFd, SYS } from '../native/sys.js';
import type { UserNamespaceFacts } from './plan/live-facts.js';
import { openOwn } from './resources/files/system.js';
import {
  hasUserNamespace,
  sharedPidNamespace,
  type IdMapping,
  type NamespacesSpec,
  type Spec,
} from './spec.js';

/** NS_GET_USERNS of ioctl_ns(2). */
const GET_OWNER = 0xb701;
const MOST_BUFFER = '/proc/sys/net/core/wmem_max';

/** What PID 1 can join of a donor's: links in /proc/PID/ns by names in specs. */
const JOINABLE: Readonly<Record<string, string>> = {
  network: 'net',
  ipc: 'ipc',
  uts: 'uts',
  cgroup: 'cgroup',
  mount: 'mnt',
};

/** In which namespaces the fork of a holder becomes the container's init, other than a new pid namespace. */
export interface Birthplace {
  /** Files of namespaces that it joins, in order. */
  readonly paths: readonly string[];
  /** Its pid, in a pid namespace that is among these; undefined: it is PID 1 of a new one. */
  readonly pid?: NsPid | undefined;
  /** Set if it gets a new user namespace. */
  readonly maps:
    { readonly users: readonly IdMapping[]; readonly groups: readonly IdMapping[] } | undefined;
}

/**
 * Where PID 1 of a spec's container is born. A process without the host's privileges cannot join what does not belong to its
 * user namespace: so what the spec names by a path is joined before, and the user namespace comes last.
 *
 * @param root the pid that it has where it shares a pid namespace
 */
export function birthplaceOf(spec: Spec, root: NsPid): Birthplace {
  const shared = sharedPidNamespace(spec);
  const place = placeOf(spec);
  return shared === undefined ? place : { ...place, paths: [shared, ...place.paths], pid: root };
}

function placeOf(spec: Spec): Omit<Birthplace, 'pid'> {
  if (!hasUserNamespace(spec)) return { paths: [], maps: undefined };
  const given = (spec.linux?.namespaces ?? []).filter(
    ({ type, path = '' }) => path !== '' && (type === 'user' || type in JOINABLE),
  );
  const isUser = ({ type }: { readonly type: string }): boolean => type === 'user';
  const ordered = [...given.filter((one) => !isUser(one)), ...given.filter(isUser)];
  const { uidMappings: users = [], gidMappings: groups = [] } = spec.linux ?? {};
  return {
    paths: ordered.map(({ path = '' }) => path),
    maps: given.some(isUser) ? undefined : { users, groups },
  };
}

/** What a restore finds of the user namespace of a spec's container; undefined for that of the host. */
export function userNamespaceOf(spec: NamespacesSpec): UserNamespaceFacts | undefined {
  if (!hasUserNamespace(spec)) return undefined;
  const own = (spec.linux?.namespaces ?? []).filter(({ path = '' }) => path === '');
  return {
    joined: own.flatMap(({ type }) => JOINABLE[type] ?? []),
    mostBuffer: Number(readFileSync(MOST_BUFFER, 'utf8')),
  };
}

/**
 * Refuses a container whose user namespace does not own its network namespace: sockets could not be made again there.
 *
 * @param attempt for messages: `checkpoint NAME`
 * @throws ShimError `failedPrecondition`
 */
export function checkNetworkOwner(initPid: HostPid, spec: NamespacesSpec, attempt: string): void {
  if (!hasUserNamespace(spec)) return;
  const network = openOwn(`/proc/${String(initPid)}/ns/net`, O.rdonly);
  try {
    const owner = call('find the owner of a network namespace', SYS.ioctl, network, GET_OWNER);
    const isOwn = fstatSync(owner).ino === statSync(`/proc/${String(initPid)}/ns/user`).ino;
    closeFd(owner);
    if (isOwn) return;
  } finally {
    closeFd(network);
  }
  const why = 'its user namespace does not own its network namespace, which is not supported';
  throw new ShimError(
    'failedPrecondition',
    `${attempt}: ${why}; remedy: give it a new network namespace`,
  );
}

/** Writes the maps of the new user namespace of a process. */
export function writeMaps(pid: HostPid, { users, groups }: NonNullable<Birthplace['maps']>): void {
  for (const [file, ranges] of [
    ['uid_map', users],
    ['gid_map', groups],
  ] as const) {
    const lines = ranges.map(
      (one) => `${String(one.containerID)} ${String(one.hostID)} ${String(one.size)}\n`,
    );
    try {
      writeFileSync(`/proc/${String(pid)}/${file}`, lines.join(''));
    } catch (cause) {
      const message = `map the ids of the user namespace (${file}): ${String(cause)}`;
      throw new ShimError('failedPrecondition', message, { cause });
    }
  }
}
