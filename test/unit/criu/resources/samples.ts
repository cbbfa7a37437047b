// SPDX-License-Identifier: Apache-2.0
import type { CoreEntry, CredsEntry } from '../../../../src/criu/image/types.js';
import { encodeCapabilities } from '../../../../src/criu/resources/attributes/capabilities.js';
import { decodeRegisters } from '../../../../src/criu/arch/x86-64/registers.js';
import { decodeFpregs } from '../../../../src/criu/arch/x86-64/xstate.js';
import { RESOURCES, RLIM_INFINITY } from '../../../../src/criu/procfs/limits.js';
import type { HostFacts } from '../../../../src/criu/resources/attributes.js';
import type { TaskCapabilities } from '../../../../src/criu/procfs/status.js';

/** A kernel that numbers timers itself; an engine without limits. */
export const SAMPLE_HOST: HostFacts = {
  hasTimerIds: false,
  hasProtectionKeys: true,
  lastCapability: 40,
  limits: RESOURCES.map((resource) => ({ resource, soft: RLIM_INFINITY, hard: RLIM_INFINITY })),
  queuedEvents: 16_384,
};

/** `struct user_regs_struct` of a 64-bit program: register number N is N + 1, segments are plain. */
export function sampleRegisters(): Uint8Array {
  const words = BigUint64Array.from({ length: 27 }, (_, index) => BigInt(index + 1));
  words[17] = 0x33n;
  words[20] = 0x2bn;
  words.fill(0n, 23);
  return new Uint8Array(words.buffer);
}

/** Credentials of root with some capabilities, the same in all sets but the ambient one. */
export function sampleCreds(capabilities: bigint, changes: Partial<CredsEntry> = {}): CredsEntry {
  const sets: TaskCapabilities = {
    inheritable: capabilities,
    permitted: capabilities,
    effective: capabilities,
    bounding: capabilities,
    ambient: 0n,
  };
  const ids = { uid: 0, gid: 0, euid: 0, egid: 0, suid: 0, sgid: 0, fsuid: 0, fsgid: 0 };
  return { ...ids, ...encodeCapabilities(sets), secbits: 0, groups: [], ...changes };
}

/** The entry of a leader that does nothing special. */
export function sampleCore(creds: CredsEntry): CoreEntry {
  return {
    mtype: 'X86_64',
    thread_info: {
      clear_tid_addr: 0x1000n,
      gpregs: decodeRegisters(sampleRegisters()),
      fpregs: decodeFpregs(new Uint8Array(832)),
      tls: [],
    },
    tc: {
      task_state: 1,
      exit_code: 0,
      personality: 0,
      flags: 0,
      blk_sigset: 0n,
      comm: 'sample',
      sigactions: [],
    },
    thread_core: { futex_rla: 0n, futex_rla_len: 0, creds, comm: 'sample' },
  };
}
