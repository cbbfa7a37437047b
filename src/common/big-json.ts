// SPDX-License-Identifier: Apache-2.0

const MARK = '\u0000integer:';
const STRING_OR_LONG_INTEGER = /"[^"\\]*(?:\\.[^"\\]*)*"|(?<![.\deE+-])-?\d{16,}(?![.\deE])/g;
const MARKED = /"\\u0000integer:(-?\d+)"/g;

/**
 * JSON.parse, except that integers of 16 digits or more (such as RLIM_INFINITY) become strings, since a
 * number would lose their last digits. {@link formatJson} turns them back.
 */
export function parseJson(text: string): unknown {
  const safe = text.replace(STRING_OR_LONG_INTEGER, (token) =>
    token.startsWith('"') ? token : JSON.stringify(MARK + token),
  );
  return JSON.parse(safe);
}

/** The inverse of {@link parseJson}. */
export function formatJson(value: unknown): string {
  return JSON.stringify(value).replace(MARKED, '$1');
}
