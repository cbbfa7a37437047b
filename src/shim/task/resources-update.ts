// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import type { AnyValue } from '../proto/values.js';

/**
 * The limits in an Update request: the JSON of a LinuxResources, whose members runc judges. Pure.
 *
 * @throws ShimError `invalidArgument` for another type, or if it is not a JSON object
 */
export function resourcesOf(any: AnyValue | undefined): string {
  const url = any?.typeUrl ?? '';
  if (url !== '' && !url.endsWith('/LinuxResources')) {
    throw new ShimError('invalidArgument', `update resources: type ${url} is not LinuxResources`);
  }
  const json = Buffer.from(any?.value ?? new Uint8Array(0)).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new ShimError('invalidArgument', `update resources: ${String(cause)}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ShimError('invalidArgument', 'update resources: not a JSON object');
  }
  return json;
}
