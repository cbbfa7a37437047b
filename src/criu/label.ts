// SPDX-License-Identifier: Apache-2.0
import type { HostTid, NsPid, NsTid } from '../common/ids.js';
import { printable } from '../common/bytes.js';

/** How messages name a process: `pid 7 (nginx)`, by its container pid and its command name. */
export function processLabel(nsPid: NsPid, name: string): string {
  return `pid ${String(nsPid)} (${printable(name)})`;
}

/** How messages name a thread: `pid 7 (java) tid 12`; the first thread is named like its process. */
export function threadLabel(process: string, nsPid: NsPid, nsTid: NsTid): string {
  return nsTid === nsPid ? process : `${process} tid ${String(nsTid)}`;
}

/** How messages name a process of the host, which is in no container or in another one. */
export function hostProcessLabel(pid: HostTid, name: string): string {
  return `pid ${String(pid)} (${printable(name)}) of the host`;
}
