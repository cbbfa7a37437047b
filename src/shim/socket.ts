// SPDX-License-Identifier: Apache-2.0
import { connect } from 'node:net';

/** The socket in an answer of `start`: an address, or JSON. Empty if it contains none. Pure. */
export function socketOf(answer: string): string {
  const address = answer.startsWith('{') ? addressIn(answer) : answer;
  return address.replace(/^unix:\/\//, '');
}

function addressIn(json: string): string {
  try {
    const { address } = JSON.parse(json) as { readonly address?: unknown };
    return typeof address === 'string' ? address : '';
  } catch {
    return '';
  }
}

/**
 * Whether a daemon listens on a socket, however busy it is: connecting to a unix socket does not wait (connect(2):
 * EAGAIN if too many others wait to be accepted).
 */
export function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'EAGAIN');
    });
  });
}
