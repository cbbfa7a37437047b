// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { resolve } from 'node:path';

/** One line of TAP from the guest. */
export interface GuestResult {
  /** The program it comes from, and what it checked. */
  readonly title: string;
  readonly passed: boolean;
  /** Why it was not run, if it was not. */
  readonly skipped?: string;
  /** Lines that went before it and say more, such as the kernel's log. */
  readonly notes: readonly string[];
}

/** What a run of one of the scripts said. */
export interface GuestRun {
  readonly results: readonly GuestResult[];
  /** Whether it ran to its end and found everything right. */
  readonly passed: boolean;
  /** The last lines of console and tools, for when it did not. */
  readonly tail: readonly string[];
}

const resultLine = /^(not )?ok (?:\d+ )?- (.*?)(?: # SKIP ?(.*))?$/;

/** Reads a guest's console; see kernel/tests/init.sh for what it prints. */
export class GuestConsole {
  readonly #results: GuestResult[] = [];
  readonly #seen = new Map<string, number>();
  #group = 'guest';
  #notes: string[] = [];
  /** The seed of the group's random choices. */
  #seed: readonly string[] = [];

  get results(): readonly GuestResult[] {
    return this.#results;
  }

  line(line: string): void {
    if (line.startsWith('# GROUP ')) {
      this.#group = line.slice('# GROUP '.length);
      this.#seed = [];
      return;
    }
    if (line.startsWith('# seed ')) {
      this.#seed = [line];
      return;
    }
    const match = resultLine.exec(line);
    if (match) this.#result(match);
    else this.#notes.push(line);
  }

  #result(match: RegExpExecArray): void {
    const [, not, what = '', skipped] = match;
    const title = this.#unique(`${this.#group}: ${what}`);
    const notes = [...this.#seed, ...this.#notes.slice(-150)];
    this.#notes = [];
    this.#results.push({
      title,
      passed: not === undefined,
      ...(skipped === undefined ? {} : { skipped }),
      notes,
    });
  }

  /** AVA rejects duplicate titles. */
  #unique(title: string): string {
    const count = (this.#seen.get(title) ?? 0) + 1;
    this.#seen.set(title, count);
    return count === 1 ? title : `${title} (${count})`;
  }
}

/**
 * Runs one of the scripts that test the module, and reads its TAP: `test-kernel.sh` builds the module
 * for a kernel, boots that in QEMU, and runs the programs of kernel/tests; `test-install.sh` installs it.
 *
 * @param script - its name in `scripts`
 * @param kernel - `6.1`, `6.12` or `7`
 */
export async function runKernelScript(script: string, kernel: string): Promise<GuestRun> {
  const path = resolve(import.meta.dirname, '../../../scripts', script);
  const child = spawn('bash', [path, kernel], { stdio: ['ignore', 'pipe', 'pipe'] });
  const guest = new GuestConsole();
  const tail: string[] = [];
  const keep = (line: string): void => {
    tail.push(line);
    if (tail.length > 60) tail.shift();
  };
  createInterface(child.stdout).on('line', (line) => {
    keep(line);
    guest.line(line);
  });
  createInterface(child.stderr).on('line', keep);
  const code = await new Promise((done) => child.on('close', done));
  return { results: guest.results, passed: code === 0, tail };
}
