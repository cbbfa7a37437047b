// SPDX-License-Identifier: Apache-2.0

/** TCP_LISTEN of net/tcp_states.h. */
const LISTEN = '0A';
/** Field of a line, counted from 0. */
const [LOCAL, STATE, INODE] = [1, 3, 9];

/** Inodes of the sockets that listen on a port, as /proc/PID/net/tcp and tcp6 show them. Pure. */
export function listenersOn(table: string, port: number): string[] {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[STATE] === LISTEN && fields[LOCAL]?.endsWith(end))
    .flatMap((fields) => fields[INODE] ?? []);
}
