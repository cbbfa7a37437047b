// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { ownPid } from '../common/ids.js';
import { ShimError } from '../common/errors.js';
import { PR, PR_SET_MM_MAP } from '../native/abi/index.js';
import { syscall } from '../native/index.js';
import { SYS, writeProcess } from '../native/sys.js';

/**
 * The first members of `struct prctl_mm_map` (linux/prctl.h), as fields of /proc/PID/stat (proc(5)): code, data,
 * start of the heap, its end, stack, arguments, environment; starts before ends.
 */
const BREAK = 0;
const MAP_FIELDS = [26, 27, 45, 46, 47, BREAK, 28, 48, 49, 50, 51] as const;
const ARGUMENTS_START = 7;
const ARGUMENTS_END = 8;
/** No new auxiliary vector, and no other executable. */
const KEEP = 0xffffffff00000000n;

/**
 * The arguments of this process as others see them in /proc/PID/cmdline. They can be replaced by others that take
 * no more room than the original ones.
 */
export class VisibleArguments {
  readonly #map = readMap();
  readonly #start = this.#map[ARGUMENTS_START] ?? 0n;
  readonly #room = Number((this.#map[ARGUMENTS_END] ?? 0n) - this.#start);

  /** @throws ShimError `resourceExhausted` if there is not enough room */
  replace(argv: readonly string[]): void {
    const bytes = Buffer.from(argv.map((word) => `${word}\0`).join(''));
    if (bytes.length > this.#room) {
      throw new ShimError('resourceExhausted', 'show arguments: they are too long');
    }
    writeProcess(ownPid(), this.#start, Buffer.concat([bytes], this.#room));
    this.#map[ARGUMENTS_END] = this.#start + BigInt(bytes.length);
    this.#map[MAP_FIELDS.indexOf(BREAK)] = BigInt(syscall(SYS.brk, 0));
    // A kernel without this (CONFIG_CHECKPOINT_RESTORE) shows empty arguments after them, which is harmless.
    syscall(SYS.prctl, PR.setMm, PR_SET_MM_MAP, this.#map, this.#map.byteLength, 0);
  }
}

function readMap(): BigUint64Array {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = 3;
  const values = MAP_FIELDS.map((field) => BigInt(fields[field - state] ?? 0));
  return BigUint64Array.of(...values, 0n, KEEP);
}
