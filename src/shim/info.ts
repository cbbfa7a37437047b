// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import { projectVersion } from '../common/checkout.js';
import { decode, encode } from './proto/codec.js';
import { Any } from '../common/messages/any.js';
import { RuntimeInfo } from './proto/messages/runtime.js';
import { decodeOptions, runcSettings } from './runc/settings.js';

const NAME = 'io.containerd.mvas.v1';
const FEATURES_URL = 'types.containerd.io/opencontainers/runtime-spec/1/features/Features';
const FEATURES_TIMEOUT_MS = 5_000;

/** `-v`: name and version, for people. */
export function printVersion(): void {
  writeSync(1, `containerd-shim-mvas-v1 ${projectVersion()}\n`);
}

/**
 * `-info`: a serialized `containerd.types.RuntimeInfo`, for containerd 2: name, version, the options it was called
 * with, and the features of the OCI runtime that they name (`runc features`), without which containerd permits no
 * mounts with mapped ids.
 *
 * @param input what containerd wrote to stdin: an Any with runtime options, or nothing
 */
export function printInfo(input: Uint8Array): void {
  const options = input.length === 0 ? undefined : decode(Any, input);
  const { binary } = runcSettings(decodeOptions(options).runc, '');
  const features = featuresOf(binary);
  const info = {
    name: NAME,
    version: { version: projectVersion() },
    ...(options === undefined ? {} : { options }),
    ...(features === undefined ? {} : { features: { typeUrl: FEATURES_URL, value: features } }),
  };
  writeSync(1, encode(RuntimeInfo, info));
}

/** JSON of the features document; undefined if the runtime cannot provide it. */
function featuresOf(binary: string): Uint8Array | undefined {
  const { status, stdout } = spawnSync(binary, ['features'], { timeout: FEATURES_TIMEOUT_MS });
  return status === 0 ? stdout : undefined;
}
