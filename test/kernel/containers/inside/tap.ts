// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';

/** Reports results on the console of a guest, as TAP. */
export class Tap {
  #count = 0;
  #failures = 0;

  /** A comment, of one line or more. */
  note(text: string): void {
    process.stdout.write(text.replace(/^/gm, '# ') + '\n');
  }

  same(what: string, actual: unknown, expected: unknown): void {
    this.#result(isDeepStrictEqual(actual, expected), what);
    if (isDeepStrictEqual(actual, expected)) return;
    this.note(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
  }

  /** Something threw that should not have. */
  failed(error: unknown): void {
    this.#result(false, 'everything is done');
    this.note(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }

  /** Writes the plan; returns the exit code. */
  finish(): number {
    process.stdout.write(`1..${String(this.#count)}\n`);
    return this.#failures === 0 ? 0 : 1;
  }

  #result(isGood: boolean, what: string): void {
    this.#count += 1;
    if (!isGood) this.#failures += 1;
    process.stdout.write(`${isGood ? 'ok' : 'not ok'} ${String(this.#count)} - ${what}\n`);
  }
}
