// SPDX-License-Identifier: Apache-2.0
import { PR } from '../../../native/abi/index.js';
import { SYS } from '../../../native/sys.js';
import type { PlanBuilder } from '../../plan/builder.js';
import { PlanPointer, type PlanData } from '../../plan/values.js';
import type { Sequence } from '../../plan/sequence.js';
import { prctl } from './creds-plan.js';
import type { ChainLink } from './seccomp.js';

const SET_MODE_FILTER = 1;
const MODE_STRICT = 1;
const INSTRUCTION_SIZE = 8;
const PROGRAM_SIZE = 16;

/** Offset of the pointer in `struct sock_fprog`. */
const POINTER_AT = 8;

/**
 * Installs seccomp filters, by their thread, with CAP_SYS_ADMIN and while the tracer suspends seccomp. Filters with
 * equal bytes are in the plan once.
 */
export class SeccompPlan {
  readonly #builder: PlanBuilder;
  readonly #programs = new Map<string, { program: PlanData; filter: PlanData }>();

  constructor(builder: PlanBuilder) {
    this.#builder = builder;
  }

  planFilters(chain: readonly ChainLink[], sequence: Sequence): void {
    for (const link of chain) {
      const { program, filter } = this.#program(link);
      const what = `install a seccomp filter of ${String(filter.bytes.length / INSTRUCTION_SIZE)} instructions`;
      const pointer = new PlanPointer(program, POINTER_AT);
      sequence.poke('point to a seccomp filter', pointer, filter);
      sequence.syscall(what, SYS.seccomp, [SET_MODE_FILTER, link.flags, program]);
    }
  }

  planStrict(sequence: Sequence): void {
    prctl(sequence, 'enter strict seccomp', [PR.setSeccomp, MODE_STRICT]);
  }

  /** `struct sock_fprog` with its count; only the running plan knows its pointer. */
  #program({ filter }: ChainLink): { program: PlanData; filter: PlanData } {
    const key = Buffer.from(filter).toString('base64');
    const known = this.#programs.get(key);
    if (known) return known;
    const bytes = Buffer.alloc(PROGRAM_SIZE);
    bytes.writeUInt16LE(filter.length / INSTRUCTION_SIZE, 0);
    const made = { program: this.#builder.data(bytes), filter: this.#builder.data(filter) };
    this.#programs.set(key, made);
    return made;
  }
}
