// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeSync } from 'node:fs';
import { encode } from './proto/codec.js';
import { RuntimeInfo } from './proto/bootstrap.js';

const NAME = 'io.containerd.mvas.v1';

function version(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** `-v`: name and version, for people. */
export function printVersion(): void {
  writeSync(1, `containerd-shim-mvas-v1 ${version()}\n`);
}

/** `-info`: a serialized `containerd.types.RuntimeInfo`, for containerd 2. */
export function printInfo(): void {
  writeSync(1, encode(RuntimeInfo, { name: NAME, version: { version: version() } }));
}
