// SPDX-License-Identifier: Apache-2.0
import type { LongVerb } from './args.js';
import { runAttachSegment } from './attach-segment.js';
import { runCheckpoint } from './checkpoint.js';
import type { CliContext } from './context.js';
import { runCreate } from './create.js';
import { runInstall, runUninstall } from './install.js';
import { runRestore, type RestoreOutcome } from './restore.js';

type Run = (
  args: readonly string[],
  context: CliContext,
) => string | Promise<string> | Promise<RestoreOutcome>;

/** Verbs with a command line of their own: what they print, and the exit code where it may not be 0. */
export const RUN: Readonly<Record<LongVerb, Run>> = {
  checkpoint: runCheckpoint,
  restore: runRestore,
  create: (args, { openKernel }) => runCreate(args, openKernel),
  'attach-segment': (args, { openKernel }) => runAttachSegment(args, openKernel),
  install: (args) => runInstall(args),
  uninstall: runUninstall,
};
