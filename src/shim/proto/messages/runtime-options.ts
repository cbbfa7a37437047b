// SPDX-License-Identifier: Apache-2.0
// Generated from proto/runtimeoptions/options.proto; do not edit.
/** Package `runtimeoptions.v1`. */
import type { MessageTables } from '../../../common/wire/tables.js';

/** Runtime options as CRI hands them to runtimes that it does not know: docs/options.md. */
export interface Options {
  configPath: string;

  /** the table in TOML, from containerd 1.7 on */
  configBody: Uint8Array;
}

export const Options = 'runtimeoptions.v1.Options';

/** Field tables of this file's messages. */
export const RUNTIME_OPTIONS_MESSAGES = {
  'runtimeoptions.v1.Options': [
    ['configPath', 2, 'implicit', 'string'],
    ['configBody', 3, 'implicit', 'bytes'],
  ],
} as const satisfies MessageTables;
