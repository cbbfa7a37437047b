// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ShimError } from '../../common/errors.js';
import { decode } from '../proto/codec.js';
import { Options as MvasOptions } from '../../common/messages/mvas-options.js';
import { Options as RuncOptions } from '../../common/messages/runc-options.js';
import { Options as RuntimeOptions } from '../proto/messages/runtime-options.js';
import type { AnyValue } from '../proto/values.js';
import { optionsInTable, type Warn } from './options-table.js';

/** How runc is called for one container. */
export interface RuncSettings {
  readonly binary: string;
  /** runc's state directory for the namespace: a container's lies in `<root>/<id>`. */
  readonly root: string;
  readonly systemdCgroup: boolean;
}

/** Runtimes that keep no record of pauses and signals. */
const PLAIN: ReadonlySet<string> = new Set(['runc', 'crun']);

/** Whether the runtime is runc or crun, by its name, and not another one, or a wrapper. Pure. */
export function isPlain({ binary }: Pick<RuncSettings, 'binary'>): boolean {
  return PLAIN.has(basename(binary));
}

/** Where runc keeps its state unless the options say otherwise. */
const DEFAULT_RUNC_ROOT = '/run/containerd/runc';

/**
 * Decodes runtime options: runc's own, ours, or CRI's table. Sets nothing if there are none, or if they are of
 * another type.
 *
 * @param warn called for everything in a table that is not understood
 * @throws ShimError `invalidArgument` naming the type
 */
export function decodeOptions(
  any: AnyValue | undefined,
  warn: Warn = () => undefined,
): Partial<MvasOptions> {
  const { typeUrl = '', value = new Uint8Array(0) } = any ?? {};
  try {
    if (typeUrl === RuncOptions) return { runc: decode(RuncOptions, value) };
    if (typeUrl === RuntimeOptions) return { runc: fromTable(value, warn) };
    return typeUrl === MvasOptions ? decode(MvasOptions, value) : {};
  } catch (cause) {
    const { message } = ShimError.from(cause);
    throw new ShimError('invalidArgument', `runtime options ${typeUrl}: ${message}`, { cause });
  }
}

function fromTable(value: Uint8Array, warn: Warn): Partial<RuncOptions> {
  const { configPath, configBody } = decode(RuntimeOptions, value);
  if (configPath !== '') warn('a file of runtime options is not read', { path: configPath });
  return optionsInTable(configBody, warn);
}

/** The settings that a container's options mean in a namespace. Pure. */
export function runcSettings(
  options: Partial<RuncOptions> | undefined,
  namespace: string,
): RuncSettings {
  // protobuf encodes an unset field as an empty string.
  const { binaryName = '', root = '', systemdCgroup = false } = options ?? {};
  return {
    binary: binaryName === '' ? 'runc' : binaryName,
    root: join(root === '' ? DEFAULT_RUNC_ROOT : root, namespace),
    systemdCgroup,
  };
}

/** Reads the settings that a daemon has left in its bundle; the defaults if there are none. */
export function readRuncSettings(path: string, namespace: string): RuncSettings {
  try {
    const saved = JSON.parse(readFileSync(path, 'utf8')) as Partial<RuncSettings>;
    const { binary, root, systemdCgroup } = saved;
    if (typeof binary === 'string' && typeof root === 'string') {
      return { binary, root, systemdCgroup: systemdCgroup === true };
    }
  } catch {
    // The daemon died before it wrote them, or never created a container.
  }
  return runcSettings(undefined, namespace);
}
