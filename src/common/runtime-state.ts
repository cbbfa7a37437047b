// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crunState } from './runtime-state/crun.js';
import { runcState } from './runtime-state/runc.js';
import type { RuntimeState, StateFormat, Successor } from './runtime-state/format.js';
import { ShimError } from './errors.js';

export type { RuntimeState, StdioLinks, Successor } from './runtime-state/format.js';

const FORMATS: readonly StateFormat[] = [runcState, crunState];

/**
 * What an OCI runtime records about a container in its state directory, `<root>/<id>`; undefined for a container that
 * it does not know, and for a runtime whose state is not understood.
 */
export function readRuntimeState(directory: string): RuntimeState | undefined {
  for (const format of FORMATS) {
    try {
      return format.read(readFileSync(join(directory, format.file), 'utf8'));
    } catch {
      continue; // Another runtime's.
    }
  }
  return undefined;
}

/**
 * Replaces the init of a container in its runtime's state. Readers see the old state or the new one.
 *
 * @throws ShimError `failedPrecondition` for a runtime that is not known, `internal` for a state that is not understood
 */
export function replaceInit(directory: string, successor: Successor): void {
  const format = FORMATS.find(({ file }) => existsSync(join(directory, file)));
  if (format === undefined) {
    throw new ShimError(
      'internal',
      `replace the init in ${directory}: no state of a known runtime`,
    );
  }
  const path = join(directory, format.file);
  const state = format.replaceInit(readFileSync(path, 'utf8'), successor);
  format.replaceOther?.(directory, successor);
  replaceFile(path, state);
}

function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.mvas`, text, { mode: 0o600 });
  renameSync(`${path}.mvas`, path);
}
