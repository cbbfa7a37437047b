// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import type { HostPid } from '../../../common/ids.js';
import type { Spec } from '../../spec.js';

/** How a donor's spec differs from the live one. */
export interface DonorPlace {
  /** The bundle that the live spec comes from. */
  readonly bundle: string;
  /** An existing process, whose pid namespace the donor joins. */
  readonly initPid: HostPid;
  readonly hasTerminal: boolean;
}

/** What a donor and PID 1 share from the beginning. */
const SHARED: readonly string[] = ['pid', 'user'];

/** The spec of a donor: the live one, but in existing pid and user namespaces. */
export function donorSpec(spec: Spec, { bundle, initPid, hasTerminal }: DonorPlace): Spec {
  const namespaces = (spec.linux?.namespaces ?? []).map((namespace) =>
    SHARED.includes(namespace.type)
      ? { type: namespace.type, path: `/proc/${String(initPid)}/ns/${namespace.type}` }
      : namespace,
  );
  return {
    ...spec,
    root: { ...spec.root, path: resolve(bundle, spec.root?.path ?? 'rootfs') },
    process: { ...spec.process, terminal: hasTerminal },
    linux: { ...spec.linux, namespaces },
  };
}
