// SPDX-License-Identifier: Apache-2.0
import type { FilesImage } from '../../../src/criu/resources/files/index.js';

/** Numbers that the kernel assigns anew: replaced by the order in which they appear. */
const RENUMBERED: ReadonlySet<string> = new Set(['ino', 'pipe_id', 'peer', 'i_ino', 'inode']);
/** Times go on; ids of mounts, devices and new files mean nothing. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'vsec',
  'vnsec',
  'dev',
  'atim',
  'mtim',
  'mvas_atim_nsec',
  'mvas_mtim_nsec',
  'mvas_ino',
  'portid',
]);

/**
 * An image as plain values that are equal for two processes with the same files. The pid is replaced, because each
 * process has its own.
 */
export function comparable(image: FilesImage, pid: number): unknown {
  const numbers = new Map<string, string>();
  const nameless = new Set<unknown>(image.remaps.map((remap) => remap.orig_id));
  const renumber = (value: unknown): string => {
    const text = String(value);
    if (text === '0') return text;
    if (!numbers.has(text)) numbers.set(text, `#${String(numbers.size + 1)}`);
    return numbers.get(text) ?? '';
  };
  const convert = (value: unknown, key: string): unknown => {
    if (RENUMBERED.has(key)) return renumber(value);
    if (value === pid) return 'pid';
    if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
    if (value instanceof Map) return convert([...value], key);
    if (Array.isArray(value)) return inOrder(value, key).map((item) => convert(item, key));
    if (typeof value !== 'object' || value === null) return value;
    if ('name' in value && 'id' in value && nameless.has(value.id)) {
      return convert({ ...value, name: 'deleted', id: String(value.id) }, key);
    }
    const kept = Object.entries(value).filter(([name]) => !LEFT_OUT.has(name));
    return Object.fromEntries(kept.map(([name, item]) => [name, convert(item, name)]));
  };
  return convert({ ...image }, '');
}

/** The kernel chooses the order of epoll's targets and inotify's watches. */
function inOrder(items: readonly unknown[], key: string): readonly unknown[] {
  if (key !== 'tfd' && key !== 'wd') return items;
  const number = (item: unknown): number => Number((item as Record<string, unknown>)[key]);
  return [...items].sort((a, b) => number(a) - number(b));
}
