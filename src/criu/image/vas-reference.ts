// SPDX-License-Identifier: Apache-2.0
import type { VasId } from '../../common/ids.js';
import { badImage, ShimError } from '../../common/errors.js';

/** Name of the file of an image directory that says where its memory is. */
export const VAS_REFERENCE_FILE = 'vas.json';
/** Version of {@link VasReference}. */
export const VAS_REFERENCE_FORMAT = 1;
/** Largest `vas.json` that is read, in bytes. */
export const MAX_VAS_REFERENCE_BYTES = 4096;

/** Which VAS holds the memory of a checkpoint, and where and when it was taken. */
export interface VasReference {
  readonly format: typeof VAS_REFERENCE_FORMAT;
  /** Letters, digits, `-` and `_`, at most 64: safe as a file name. */
  readonly vasId: VasId;
  /** /proc/sys/kernel/random/boot_id of the host when the checkpoint was taken. */
  readonly bootId: string;
  /** Time of the checkpoint, ISO 8601 in UTC with milliseconds. */
  readonly createdAt: string;
  /** Container that was checkpointed; for messages only. */
  readonly containerId: string;
}

const PATTERNS = {
  vasId: /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
  bootId: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  createdAt: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  containerId: /^[A-Za-z0-9][A-Za-z0-9_.+-]{0,254}$/,
} as const;

const FIELDS = ['format', 'vasId', 'bootId', 'createdAt', 'containerId'];

/**
 * The text of `vas.json`.
 *
 * @throws ShimError `invalidArgument` for a reference that could not be read back.
 */
export function formatVasReference(reference: VasReference): string {
  const why = defectOf({ ...reference });
  if (why !== undefined) throw new ShimError('invalidArgument', `write vas.json: ${why}`);
  return `${JSON.stringify(reference, FIELDS, 2)}\n`;
}

/** Parses the text of `vas.json`. Throws ShimError `dataLoss` for anything but exactly such a file. */
export function parseVasReference(text: string): VasReference {
  const value = parseObject(text);
  const why = defectOf(value);
  if (why !== undefined) badImage(`read vas.json: ${why}`);
  return value as unknown as VasReference;
}

function parseObject(text: string): Record<string, unknown> {
  if (text.length > MAX_VAS_REFERENCE_BYTES) badImage('read vas.json: it is too long');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    badImage('read vas.json: it is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    badImage('read vas.json: it is not an object');
  }
  return value as Record<string, unknown>;
}

function defectOf(value: Record<string, unknown>): string | undefined {
  const foreign = Object.keys(value).find((key) => !FIELDS.includes(key));
  if (foreign !== undefined) return `unknown field ${JSON.stringify(foreign.slice(0, 40))}`;
  if (value['format'] !== VAS_REFERENCE_FORMAT) return 'its format is not version 1';
  for (const [field, pattern] of Object.entries(PATTERNS)) {
    const content = value[field];
    if (typeof content !== 'string' || !pattern.test(content))
      return `${field} is missing or malformed`;
  }
  return Number.isNaN(Date.parse(String(value['createdAt'])))
    ? 'createdAt is not a time'
    : undefined;
}
