// SPDX-License-Identifier: Apache-2.0
import type { CredsEntry } from '../../image/types.js';
import type { TaskCapabilities } from '../../procfs/status.js';

/** Names in order of their numbers. Source: linux/capability.h. */
const NAMES = [
  'CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID',
  'SETPCAP', 'LINUX_IMMUTABLE', 'NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW',
  'IPC_LOCK', 'IPC_OWNER', 'SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT',
  'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE', 'SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD',
  'LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP', 'MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG',
  'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF', 'CHECKPOINT_RESTORE',
]; // prettier-ignore

export const CAP = { setgid: 6n, setuid: 7n, setpcap: 8n, sysNice: 23n, sysResource: 24n } as const;

/** The sets of an image, by their names in {@link TaskCapabilities}. */
const FIELDS = {
  inheritable: 'cap_inh',
  permitted: 'cap_prm',
  effective: 'cap_eff',
  bounding: 'cap_bnd',
  ambient: 'cap_amb',
} as const satisfies Record<keyof TaskCapabilities, keyof CredsEntry>;

export const CAPABILITY_SETS = Object.keys(FIELDS) as readonly (keyof TaskCapabilities)[];

/** Pairs of 32-bit words, as an image has them. */
export function encodeCapabilities(
  sets: TaskCapabilities,
): Pick<CredsEntry, (typeof FIELDS)[keyof TaskCapabilities]> {
  const split = (set: bigint): number[] => [Number(set & 0xffffffffn), Number(set >> 32n)];
  return {
    cap_inh: split(sets.inheritable),
    cap_prm: split(sets.permitted),
    cap_eff: split(sets.effective),
    cap_bnd: split(sets.bounding),
    cap_amb: split(sets.ambient),
  };
}

/** The sets of an image. */
export function decodeCapabilities(creds: CredsEntry): TaskCapabilities {
  const join = (name: keyof TaskCapabilities): bigint => {
    const parts = creds[FIELDS[name]];
    return BigInt((parts[0] ?? 0) >>> 0) | (BigInt((parts[1] ?? 0) >>> 0) << 32n);
  };
  return {
    inheritable: join('inheritable'),
    permitted: join('permitted'),
    effective: join('effective'),
    bounding: join('bounding'),
    ambient: join('ambient'),
  };
}

/** Numbers of the capabilities in a set. */
export function capabilitiesIn(set: bigint): number[] {
  return Array.from({ length: 64 }, (_, number) => number).filter((number) =>
    hasCapability(set, BigInt(number)),
  );
}

export function hasCapability(set: bigint, capability: bigint): boolean {
  return ((set >> capability) & 1n) === 1n;
}

/** `CAP_SYS_ADMIN, CAP_BPF`; capabilities without a name appear as numbers. */
export function nameCapabilities(set: bigint): string {
  return capabilitiesIn(set)
    .map((number) => `CAP_${NAMES[number] ?? String(number)}`)
    .join(', ');
}

/** The set of capabilities with these names (`CAP_CHOWN`); unknown names are left out. */
export function capabilityMask(names: readonly string[]): bigint {
  return names.reduce((mask, name) => {
    const number = NAMES.indexOf(name.replace(/^CAP_/, ''));
    return number < 0 ? mask : mask | (1n << BigInt(number));
  }, 0n);
}
