// SPDX-License-Identifier: Apache-2.0
import { PR } from '../../../native/abi/index.js';
import { SYS } from '../../../native/sys.js';
import type { CredsEntry } from '../../image/types.js';
import type { PlanBuilder } from '../../plan/builder.js';
import type { PlanData } from '../../plan/values.js';
import type { Sequence } from '../../plan/sequence.js';
import type { TaskCapabilities } from '../../procfs/status.js';
import { CAP, capabilitiesIn, decodeCapabilities, hasCapability } from './capabilities.js';

const CAPABILITY_VERSION_3 = 0x20080522;
const AMBIENT_RAISE = 2;
const AMBIENT_CLEAR_ALL = 4;
/** SECBIT_NO_SETUID_FIXUP: changing ids does not affect the capabilities. */
const NO_SETUID_FIXUP = 1 << 2;

type Sets = Pick<TaskCapabilities, 'effective' | 'permitted' | 'inheritable'>;

/**
 * Lets a thread set its own credentials, starting with root's privileges. The kernel requires this order: ids while
 * the capabilities are still there; inheritable and ambient sets before the bounding set shrinks; securebits while
 * CAP_SETPCAP is left, which is therefore dropped last.
 */
export class CredsPlan {
  readonly #builder: PlanBuilder;
  readonly #lastCapability: number;
  readonly #header: PlanData;
  /** What the live container allows: no set of any thread exceeds it. */
  readonly #allowed: bigint;

  constructor(
    builder: PlanBuilder,
    { lastCapability, allowed }: { readonly lastCapability: number; readonly allowed: bigint },
  ) {
    this.#builder = builder;
    this.#lastCapability = lastCapability;
    this.#allowed = allowed;
    this.#header = builder.data(new Uint8Array(Uint32Array.of(CAPABILITY_VERSION_3, 0).buffer));
  }

  /** By PID 1 before it forks: reduces the bounding set to what the live container allows. */
  planBounds(root: Sequence): void {
    this.#planDrops(~this.#allowed, root);
  }

  /** By a thread that has inherited {@link planBounds}. */
  plan(creds: CredsEntry, sequence: Sequence): void {
    const sets = decodeCapabilities(creds);
    const setpcap = 1n << CAP.setpcap;
    prctl(sequence, 'keep capabilities', [PR.setSecurebits, NO_SETUID_FIXUP]);
    this.#planIds(creds, sequence);
    const { inheritable } = sets;
    this.#capset(
      { permitted: sets.permitted | setpcap, effective: sets.effective | setpcap, inheritable },
      sequence,
    );
    planAmbient(sets.ambient, sequence);
    this.#planDrops(this.#allowed & ~sets.bounding, sequence);
    prctl(sequence, 'set securebits', [PR.setSecurebits, creds.secbits]);
    if (!hasCapability(sets.permitted & sets.effective, CAP.setpcap)) this.#capset(sets, sequence);
  }

  #planIds(creds: CredsEntry, sequence: Sequence): void {
    const { uid, euid, suid, fsuid, gid, egid, sgid, fsgid, groups } = creds;
    const list = this.#builder.data(new Uint8Array(Uint32Array.from(groups).buffer), 4);
    const count = groups.length;
    sequence.syscall(`set ${String(count)} groups`, SYS.setgroups, [count, count > 0 ? list : 0]);
    const triple = (...ids: number[]): string => ids.join(', ');
    sequence.syscall(`set gids ${triple(gid, egid, sgid)}`, SYS.setresgid, [gid, egid, sgid]);
    // These two return the previous id, never an error; the audit checks the result.
    if (fsgid !== egid) sequence.syscall(`set fsgid ${String(fsgid)}`, SYS.setfsgid, [fsgid]);
    sequence.syscall(`set uids ${triple(uid, euid, suid)}`, SYS.setresuid, [uid, euid, suid]);
    if (fsuid !== euid) sequence.syscall(`set fsuid ${String(fsuid)}`, SYS.setfsuid, [fsuid]);
  }

  /** Removes capabilities from the bounding set. */
  #planDrops(capabilities: bigint, sequence: Sequence): void {
    for (let number = 0; number <= this.#lastCapability; number++) {
      if (!hasCapability(capabilities, BigInt(number))) continue;
      prctl(sequence, `drop capability ${String(number)}`, [PR.capbsetDrop, number]);
    }
  }

  #capset(sets: Sets, sequence: Sequence): void {
    const half = (shift: bigint): number[] =>
      [sets.effective, sets.permitted, sets.inheritable].map((set) =>
        Number((set >> shift) & 0xffffffffn),
      );
    const data = Uint32Array.of(...half(0n), ...half(32n));
    const bytes = this.#builder.data(new Uint8Array(data.buffer), 4);
    sequence.syscall('set capabilities', SYS.capset, [this.#header, bytes]);
  }
}

function planAmbient(ambient: bigint, sequence: Sequence): void {
  prctl(sequence, 'clear ambient capabilities', [PR.capAmbient, AMBIENT_CLEAR_ALL]);
  for (const number of capabilitiesIn(ambient)) {
    const what = `raise ambient capability ${String(number)}`;
    prctl(sequence, what, [PR.capAmbient, AMBIENT_RAISE, number]);
  }
}

/** prctl(2) with the unused arguments 0, as many operations require. */
export function prctl(
  sequence: Sequence,
  what: string,
  args: readonly [operation: number, ...(number | bigint | PlanData)[]],
): void {
  const padded = [...args, 0, 0, 0, 0].slice(0, 5);
  sequence.syscall(what, SYS.prctl, padded);
}
