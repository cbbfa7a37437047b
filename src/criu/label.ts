// SPDX-License-Identifier: Apache-2.0
import { printable } from './procfs/bytes.js';

/** How messages name a process: `pid 7 (nginx)`, by the container's pid and its command name. */
export function processLabel(nsPid: number, name: string): string {
  return `pid ${String(nsPid)} (${printable(name)})`;
}

/** How messages name a thread: `pid 7 (java) tid 12`; its process where it is the first one. */
export function threadLabel(process: string, nsPid: number, nsTid: number): string {
  return nsTid === nsPid ? process : `${process} tid ${String(nsTid)}`;
}
