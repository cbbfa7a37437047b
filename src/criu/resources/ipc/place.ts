// SPDX-License-Identifier: Apache-2.0
import type { IpcParts } from '../../image/parts.js';
import { objectOfSegment, type SharedObject } from '../../memory/memory-map.js';
import { pairs } from '../../memory/to-image.js';

/** Says in the entries of segments that nobody has attached where they lie; mappings say it of the others. */
export function placeSegments(parts: IpcParts, shared: readonly SharedObject[]): IpcParts {
  if (parts.segments.length === 0) return parts;
  const loose = new Map(
    shared.filter(({ mapping }) => mapping === undefined).map((object) => [object.id, object]),
  );
  const segments = parts.segments.map((segment) => {
    const object = loose.get(objectOfSegment(BigInt(segment.entry.desc.id)));
    if (!object) return segment;
    const place = { mvas_park: object.place, mvas_runs: pairs(object.runs, 0n) };
    return { ...segment, entry: { ...segment.entry, ...place } };
  });
  return { ...parts, segments };
}
