// SPDX-License-Identifier: Apache-2.0

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Formats bytes for people: `0 B`, `512 KiB`, `1.5 GiB`; three digits at most. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${String(Number(value.toFixed(digits)))} ${UNITS[unit] ?? ''}`;
}

const STEPS: readonly (readonly [string, number])[] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

/** Formats the time between two instants for people: `3 hours ago`. */
export function formatAge(then: Date, now: Date): string {
  const seconds = Math.floor((now.getTime() - then.getTime()) / 1000);
  const [name, length] = STEPS.find(([, step]) => seconds >= step) ?? ['second', 1];
  const count = Math.max(0, Math.floor(seconds / length));
  return count === 0 ? 'just now' : `${String(count)} ${name}${count === 1 ? '' : 's'} ago`;
}

/** Escapes control characters: those of untrusted names must not reach a terminal. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** Formats rows as aligned columns, two spaces apart; every line ends with a line feed. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(printable));
  const widths: number[] = [];
  for (const row of cells) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    }
  }
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return cells.map((row) => `${line(row).trimEnd()}\n`).join('');
}

/** Formats JSON for programs: addresses as `0x` strings, times as ISO 8601, one line feed at the end. */
export function formatJson(value: unknown): string {
  const replace = (_key: string, part: unknown): unknown =>
    typeof part === 'bigint' ? `0x${part.toString(16)}` : part;
  return `${JSON.stringify(value, replace, 2)}\n`;
}
