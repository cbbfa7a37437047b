// SPDX-License-Identifier: Apache-2.0
import type { Spec } from '../bundle.js';

/** Questions about a container's spec. Pure. */

/** Whether the container has a pid namespace of its own, whose processes die with its init. */
export function hasOwnPidNamespace(spec: Spec): boolean {
  const namespaces = spec.linux?.namespaces ?? [];
  return namespaces.some(({ type, path }) => type === 'pid' && (path ?? '') === '');
}
