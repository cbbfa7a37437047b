// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../src/common/errors.js';
import type { CliContext } from '../../src/cli/context.js';
import { surveyHost } from '../../src/criu/index.js';
import { main } from '../../src/cli/main.js';

/** The result of a command line. */
export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `mvas` in this process, with a line of words or a list of any words; by default without a store and a kernel. */
export async function runMain(
  line: string | readonly string[],
  context: Partial<CliContext> = {},
): Promise<Said> {
  const output = { out: '', err: '' };
  const args = typeof line === 'string' ? line.split(' ').filter((word) => word !== '') : line;
  const code = await main(args, {
    version: '1.2.3',
    isRoot: false,
    survey: () => Promise.resolve(surveyHost()),
    searchPath: '',
    openStore: () => Promise.reject(new ShimError('permissionDenied', 'open /run/mvas: EACCES')),
    openKernel: () => {
      const message = 'cannot use /dev/mvas: remedy: modprobe mvas';
      return Promise.reject(new ShimError('failedPrecondition', message));
    },
    writeOut: (text) => (output.out += text),
    writeError: (text) => (output.err += text),
    now: () => new Date('2026-05-01T12:00:00Z'),
    ...context,
  });
  return { code, ...output };
}
