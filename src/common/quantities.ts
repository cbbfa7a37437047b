// SPDX-License-Identifier: Apache-2.0

const SPANS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZES: Readonly<Record<string, number>> = {
  '': 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Milliseconds of `90s`, `15m`, `12h` or `7d`; undefined for anything else. */
export function parseSpan(text: string): number | undefined {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = SPANS[unit];
  return ms === undefined ? undefined : Number(count) * ms;
}

/** Bytes of `1048576`, `512KiB`, `8GiB`, `1.5 TiB`; undefined for anything else, and for 0. */
export function parseSize(text: string): number | undefined {
  const [, count = '', unit = ''] = /^(\d{1,15}(?:\.\d{1,3})?) ?([KMGT]iB)?$/.exec(text) ?? [];
  const bytes = Math.floor(Number(count) * (SIZES[unit] ?? NaN));
  return count !== '' && bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** `25%` as 0.25; undefined for anything else, and for more than 100 %. */
export function parseShare(text: string): number | undefined {
  const [, percent] = /^(\d{1,3}(?:\.\d{1,3})?) ?%$/.exec(text) ?? [];
  const share = percent === undefined ? NaN : Number(percent) / 100;
  return share <= 1 ? share : undefined;
}
