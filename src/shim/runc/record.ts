// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What runc records about a container in its state.json, as far as it says what its start and its deletion consist of. */
export interface RuncRecord {
  /** Directories of its cgroups. */
  readonly cgroups: readonly string[];
  /** Whether runc has more to do than that at a start. */
  readonly hasMoreAtStart: boolean;
  /** The same at a deletion. */
  readonly hasMoreAtDeletion: boolean;
}

interface StateJson {
  readonly config?: {
    readonly Hooks?: Readonly<Record<string, unknown>> | null;
    readonly netDevices?: unknown;
  };
  readonly cgroup_paths?: Readonly<Record<string, unknown>>;
  readonly intel_rdt_path?: unknown;
}

/** Reads the record of runc 1.1 to 1.3; undefined if it is another one's, or not as expected. */
export function readRecord(stateDirectory: string): RuncRecord | undefined {
  try {
    return recordIn(readFileSync(join(stateDirectory, 'state.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

/** The record in a state.json. Pure. */
export function recordIn(text: string): RuncRecord | undefined {
  const { config, cgroup_paths: paths, intel_rdt_path: rdt } = JSON.parse(text) as StateJson;
  if (!config || !paths) return undefined;
  const cgroups = [...new Set(Object.values(paths))];
  if (!cgroups.every((path) => typeof path === 'string')) return undefined;
  const { Hooks: hooks, netDevices } = config;
  return {
    cgroups,
    hasMoreAtStart: !isEmpty(hooks?.['poststart']),
    hasMoreAtDeletion: !isEmpty(hooks?.['poststop']) || !isEmpty(netDevices) || rdt !== '',
  };
}

/** Of a value that Go has encoded: null, or without entries. */
function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || Object.keys(value).length === 0;
}
