// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { HostPid } from '../../common/ids.js';
import { listenersOn } from '../../common/procfs/listening.js';

/** The processes of a container. */
export interface Look {
  readonly initPid: HostPid;
  readonly pids: readonly HostPid[];
}

/** Whether one of a container's processes listens on a TCP port. */
export function listens(port: number, { initPid, pids }: Look): boolean {
  return pids.some(hasAny(listeners(initPid, port)));
}

/** Sockets that listen, whoever's they are: others may share the network namespace. */
function listeners(pid: HostPid, port: number): ReadonlySet<string> {
  const tables = ['tcp', 'tcp6'].map((name) => textOf(`/proc/${String(pid)}/net/${name}`));
  const inodes = tables.flatMap((table) => listenersOn(table, port));
  return new Set(inodes.map((inode) => `socket:[${inode}]`));
}

/** Whether a process has one of these open. */
function hasAny(sockets: ReadonlySet<string>): (pid: HostPid) => boolean {
  if (sockets.size === 0) return () => false;
  return (pid) => {
    const folder = `/proc/${String(pid)}/fd`;
    return namesIn(folder).some((name) => sockets.has(linkOf(`${folder}/${name}`)));
  };
}

/* Processes and descriptors may go at any time. */

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
