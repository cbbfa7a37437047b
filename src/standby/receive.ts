// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { ShimError } from '../common/errors.js';

const RECEIVE_MS = 5_000;

/**
 * In a fork: reads what a launcher sends, until `decode` returns a value for the bytes so far.
 *
 * @throws ShimError `canceled` when the launcher has gone or sends nothing, and what `decode` throws
 */
export function receive<T>(
  connection: Socket,
  decode: (bytes: Buffer) => T | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const fail = (): void => {
      reject(new ShimError('canceled', 'receive a hand-over: the launcher has gone'));
    };
    const take = (chunk: Buffer): void => {
      try {
        bytes = Buffer.concat([bytes, chunk]);
        const message = decode(bytes);
        if (message === undefined) return;
        connection.setTimeout(0).off('data', take).off('end', fail);
        resolve(message);
      } catch (error) {
        reject(ShimError.from(error));
      }
    };
    connection.setTimeout(RECEIVE_MS, fail).once('error', fail).once('end', fail).on('data', take);
    connection.resume();
  });
}
