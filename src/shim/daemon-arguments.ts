// SPDX-License-Identifier: Apache-2.0
import type { ShimArgs } from './args.js';

/** The command line of the daemon that a `start` asks for, after the program's name. Pure. */
export function daemonArguments(args: ShimArgs, socket: string): string[] {
  const { namespace, id, address, publishBinary, debug } = args;
  return [
    ...['-namespace', namespace, '-id', id, '-address', address, '-socket', socket],
    ...['-publish-binary', publishBinary],
    ...(debug ? ['-debug'] : []),
  ];
}
