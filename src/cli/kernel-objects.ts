// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';
import { NAME_MAX } from '../criu/constants.js';
import type { KernelKind, KernelObject, NewSegment } from '../criu/index.js';
import { formatBytes, formatJson, formatTable } from './text.js';

/** The objects of the kernel module mvas, as the command line needs them. */
export interface KernelObjects {
  list(kind: KernelKind): readonly KernelObject[];
  /** Creates a VAS without memory; returns its id. */
  create(name: string, mode: number): number;
  /** Creates a segment of zeros; returns its id. */
  createSegment(segment: NewSegment): number;
  attachSegment(vas: number, segment: number, isWritable: boolean): void;
  delete(id: number, kind: KernelKind): void;
  close(): void;
}

/** A kind and, after the slash, an id or a name: `vas/jobs`, `segment/3`. Names contain no slash. */
export interface KernelReference {
  readonly kind: KernelKind;
  readonly wanted: string;
}

/** Parses `vas/NAME` and `segment/NAME`; undefined for anything else. */
export function parseReference(word: string): KernelReference | undefined {
  const [, kind, wanted = ''] = /^(vas|segment)\/([^/]+)$/s.exec(word) ?? [];
  if (kind !== 'vas' && kind !== 'segment') return undefined;
  return Buffer.byteLength(wanted) > NAME_MAX ? undefined : { kind, wanted };
}

/**
 * Finds the object a person means: by its id, else by its name.
 *
 * @throws ShimError `notFound`
 */
export function resolveKernel(kernel: KernelObjects, reference: KernelReference): KernelObject {
  const { kind, wanted } = reference;
  const objects = kernel.list(kind);
  const found =
    objects.find(({ id }) => String(id) === wanted) ?? objects.find(({ name }) => name === wanted);
  if (found) return found;
  const message = `no ${kind} '${wanted}' in the kernel; 'mvas -la' shows what there is`;
  throw new ShimError('notFound', message);
}

/** How `mvas -la` shows kernel objects. */
export interface KernelListing {
  readonly kinds: readonly KernelKind[];
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Formats a listing of kernel objects. */
export function listKernel(kernel: KernelObjects, { kinds, json, quiet }: KernelListing): string {
  const objects = kinds.flatMap((kind) => kernel.list(kind));
  if (json)
    return formatJson(objects.map((object) => ({ ...object, bytes: Number(object.bytes) })));
  if (quiet) return formatTable(objects.map(({ kind, id }) => [`${kind}/${String(id)}`]));
  return kernelTable(objects);
}

const HEAD = ['KIND', 'ID', 'NAME', 'MODE', 'UID', 'GID', 'SIZE', 'START'];

/** Formats objects as a table, one per line below the column headings. */
export function kernelTable(objects: readonly KernelObject[]): string {
  return formatTable([HEAD, ...objects.map(toRow)]);
}

function toRow({ kind, id, name, mode, uid, gid, bytes, start }: KernelObject): string[] {
  const where = start === 0n ? '-' : `0x${start.toString(16)}`;
  const rights = mode.toString(8).padStart(4, '0');
  const size = formatBytes(Number(bytes));
  return [kind, String(id), name || '-', rights, String(uid), String(gid), size, where];
}
