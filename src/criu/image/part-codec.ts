// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import {
  decodeImage,
  decodePayloadImage,
  encodeImage,
  encodePayloadImage,
  type DecodeLimits,
  type PayloadEntry,
} from './codec.js';
import { decodeGhostFile, encodeGhostFile, type GhostFile } from './ghost.js';
import { decodeQueues, encodeQueues, type MessageQueue } from './queues.js';
import { kindInfo, type EntryKind, type PayloadKind } from './header.js';
import type { PartInfo } from './parts.js';

/**
 * Encodes one file of a part: one entry if the kind or the id stands for one, otherwise a list. The types of
 * `PARTS` say which. Throws ShimError `internal` for values that the format cannot hold.
 */
export function encodePart({ kind, by, key }: PartInfo, content: unknown): Uint8Array {
  const { layout } = kindInfo(kind);
  if (layout === 'ghost') return encodeGhostFile(content as GhostFile);
  if (layout === 'queues') return encodeQueues(content as MessageQueue[]);
  const isOne = layout === 'single' || (layout === 'payload' && by === 'id');
  const entries = isOne ? [content] : key === undefined ? content : valuesOf(content);
  return layout === 'payload'
    ? encodePayloadImage(kind as PayloadKind, entries as PayloadEntry<PayloadKind>[])
    : encodeImage(kind as EntryKind, entries as never[]);
}

/** Decodes the output of {@link encodePart}. Throws ShimError `dataLoss`. */
export function decodePart(
  { kind, by, key }: PartInfo,
  bytes: Uint8Array,
  limits: DecodeLimits,
): unknown {
  const { layout } = kindInfo(kind);
  if (layout === 'ghost') return decodeGhostFile(bytes, limits);
  if (layout === 'queues') return decodeQueues(bytes, limits);
  if (layout === 'single') return decodeImage(kind as EntryKind, bytes, limits)[0];
  if (layout !== 'payload') return decodeImage(kind as EntryKind, bytes, limits);
  const entries = decodePayloadImage(kind as PayloadKind, bytes, limits);
  if (key !== undefined) return byKey(entries as PayloadEntry<'mvas-tcp-streams'>[], key, limits);
  if (by === 'list') return entries;
  if (entries.length !== 1) {
    badImage(`read ${limits.source ?? kind}: ${String(entries.length)} entries`);
  }
  return entries[0];
}

function valuesOf(content: unknown): unknown[] {
  return [...(content as ReadonlyMap<number, unknown>).values()];
}

/** The entries by the number that each has, and no other. */
function byKey(
  entries: readonly PayloadEntry<'mvas-tcp-streams'>[],
  key: 'mvas_ino',
  { source = 'mvas-tcp-streams' }: DecodeLimits,
): ReadonlyMap<number, PayloadEntry<'mvas-tcp-streams'>> {
  const found = new Map<number, PayloadEntry<'mvas-tcp-streams'>>();
  for (const one of entries) {
    const number = one.entry[key];
    if (number === undefined) badImage(`read ${source}: an entry without ${key}`);
    if (found.has(number)) badImage(`read ${source}: two entries with ${key} ${String(number)}`);
    found.set(number, one);
  }
  return found;
}
