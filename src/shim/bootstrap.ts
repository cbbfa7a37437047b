// SPDX-License-Identifier: Apache-2.0
import { decode } from './proto/codec.js';
import { Any } from '../common/messages/any.js';
import { BootstrapParams } from './proto/messages/bootstrap.js';
import type { AnyValue } from './proto/values.js';
import { decodeOptions } from './runc/settings.js';

/** What the stdin of `start` says, as far as `start` needs it. */
export interface Bootstrap {
  /** Directory for the socket; empty: the default. */
  readonly socketDir: string;
  /** Cgroup for the daemon; empty: none of its own. */
  readonly shimCgroup: string;
  /** containerd's version; empty if it does not say, that is before 2.3. */
  readonly containerdVersion: string;
}

const NOTHING: Bootstrap = { socketDir: '', shimCgroup: '', containerdVersion: '' };

/**
 * Reads the stdin of `start`: BootstrapParams from containerd 2.3 on, before that an Any with runtime options, or
 * nothing. Each message decodes as the other, so the id decides: BootstrapParams name this task. Input that cannot
 * be read is not a reason to fail. Pure.
 */
export function readBootstrap(input: Uint8Array, id: string, namespace: string): Bootstrap {
  try {
    const params = decode(BootstrapParams, input);
    if (params.instanceId !== id || params.namespace !== namespace) {
      return { ...NOTHING, shimCgroup: shimCgroupOf([decode(Any, input)]) };
    }
    const options = params.extensions.map((extension) => extension.value ?? {});
    const { socketDir = '', containerdVersion } = params;
    return { socketDir, shimCgroup: shimCgroupOf(options), containerdVersion };
  } catch {
    return NOTHING;
  }
}

function shimCgroupOf(candidates: readonly AnyValue[]): string {
  const found = candidates.map((candidate) => decodeOptions(candidate).runc?.shimCgroup);
  return found.find((cgroup) => cgroup !== undefined) ?? '';
}
