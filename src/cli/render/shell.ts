// SPDX-License-Identifier: Apache-2.0
import type { Valued, Words } from '../verb.js';

/** Shell commands that list what exists, one per line; they print nothing where that cannot be known. */
export const LISTING: Readonly<
  Record<Exclude<Extract<Words, string>, 'file' | 'directory'>, string>
> = {
  vas: 'mvas ls -q 2>/dev/null',
  object: '{ mvas ls -q; mvas -la -q; } 2>/dev/null',
  container: 'ls /run/runc 2>/dev/null',
};

/** What completes the value of an option. */
export function wordsOf({ choices, words }: Valued): Words | undefined {
  return choices === undefined ? words : Object.keys(choices);
}

/** Quotes text as one word of a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
