// SPDX-License-Identifier: Apache-2.0
import type { EncodedList, FoundRows, RowLayout } from '../common/wire/rows.js';
import { readRows } from './index.js';

/** Layouts as the addon wants them. */
const known = new WeakMap<RowLayout, Float64Array>();

/** The same as `readRows` of `common/wire`, in a twentieth of the time. */
export function readRowsNatively(
  { bytes, from, end, tag, most }: EncodedList,
  layout: RowLayout,
): FoundRows {
  const list = Float64Array.of(from, end, tag, Math.min(most, bytes.length));
  const { cells, length, at } = readRows(bytes, list, fieldsOf(layout));
  return { cells: cells.subarray(0, length * layout.length), length, at };
}

function fieldsOf(layout: RowLayout): Float64Array {
  let fields = known.get(layout);
  if (!fields) {
    fields = Float64Array.from(
      layout.flatMap(({ tag, least, most, isRequired }) => [tag, least, most, Number(isRequired)]),
    );
    known.set(layout, fields);
  }
  return fields;
}
