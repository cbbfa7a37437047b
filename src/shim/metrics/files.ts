// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FieldRow } from '../../common/wire/tables.js';

/**
 * The formats of control files (kernel, Documentation/admin-guide/cgroup-v2.rst, "Interface Files"; v1 writes the
 * same). A file that does not exist, because its controller does not, counts as empty.
 */

/** The value of `max`. */
export const UNLIMITED = 2n ** 64n - 1n;

/** The text of a file; empty if there is none. */
export function readText(directory: string | undefined, file: string): string {
  if (directory === undefined) return '';
  try {
    return readFileSync(join(directory, file), 'utf8');
  } catch {
    return ''; // The controller is not enabled, the kernel is too old, or the cgroup is gone.
  }
}

/** A number, or `max`; 0 for anything else. Pure. */
export function parseCount(text: string): bigint {
  const trimmed = text.trim();
  if (trimmed === 'max') return UNLIMITED;
  return /^\d+$/.test(trimmed) ? BigInt.asUintN(64, BigInt(trimmed)) : 0n;
}

/** A file with one number. */
export function readCount(directory: string | undefined, file: string): bigint {
  return parseCount(readText(directory, file));
}

/** A file with a name and a number on each line; missing names count 0. */
export function readKeyed(
  directory: string | undefined,
  file: string,
): (...names: readonly string[]) => bigint {
  const values = new Map<string, bigint>();
  for (const line of readText(directory, file).split('\n')) {
    const [name = '', value = ''] = line.split(' ');
    values.set(name, parseCount(value));
  }
  return (...names) => names.reduce((sum, name) => sum + (values.get(name) ?? 0n), 0n);
}

/** Page sizes that a hugetlb controller knows, as they appear in its files' names: `2MB`. */
export function hugePageSizes(directory: string | undefined): string[] {
  if (directory === undefined) return [];
  try {
    const sizes = readdirSync(directory).map((name) => /^hugetlb\.(\d+[KMG]B)\./.exec(name)?.[1]);
    return [...new Set(sizes.filter((size) => size !== undefined))].sort();
  } catch {
    return []; // The cgroup is gone.
  }
}

/** Names of a message's fields that are counters. Pure. */
export function countersOf<R extends FieldRow>(
  rows: readonly R[],
): Extract<R, readonly [string, number, string, 'uint64']>[0][] {
  return rows.filter(([, , , type]) => type === 'uint64').map(([name]) => name);
}
