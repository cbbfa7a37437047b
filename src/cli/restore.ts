// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { restore } from '../criu/index.js';
import { requireRoot } from './root.js';
import { DEFAULT_RUNC_ROOT, runcRuntime } from './runc-container.js';
import { parseOptions, UsageError } from './usage.js';

export const RESTORE_HELP = `Usage: mvas restore [OPTIONS] CONTAINER

Restores a container from a checkpoint, for runc to go on with. Its stdio becomes that of mvas, or its
terminal one whose master goes to the console socket.

Options:
      --image-path DIR  the checkpoint's metadata (default: ./checkpoint)
      --bundle DIR      bundle of the container (default: .)
      --runc-root DIR   runc's state directory (default: ${DEFAULT_RUNC_ROOT})
      --console-socket PATH
                        unix socket for the master of the container's terminal
      --pid-file FILE   where the pid of its init is written to
      --detach          return once it runs; otherwise wait, and exit as it exits
      --json            print what was done as JSON
`;

/** What `mvas restore` came to. */
export interface RestoreOutcome {
  readonly text: string;
  readonly exitCode: number;
}

/** Runs `mvas restore`. */
export async function runRestore(args: readonly string[]): Promise<RestoreOutcome> {
  const { values, positionals } = parseOptions({
    args: [...args],
    allowPositionals: true,
    options: {
      'image-path': { type: 'string', default: 'checkpoint' },
      bundle: { type: 'string', default: '.' },
      'runc-root': { type: 'string', default: DEFAULT_RUNC_ROOT },
      'console-socket': { type: 'string' },
      'pid-file': { type: 'string' },
      detach: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return { text: RESTORE_HELP, exitCode: 0 };
  const [containerId, ...rest] = positionals;
  if (!containerId || rest.length > 0) throw new UsageError(`'restore' takes one container`);
  requireRoot(`restore ${containerId}`);
  const consoleSocket = values['console-socket'];
  const { pid, vasId, timingsMs, exited } = await restore({
    containerId,
    bundle: resolve(values.bundle),
    imagePath: values['image-path'],
    runc: runcRuntime(values['runc-root']),
    runcRoot: values['runc-root'],
    stdio: consoleSocket === undefined ? [0, 1, 2] : [null, null, null],
    openConsole: () => Promise.resolve(consoleSocket),
  });
  if (values['pid-file'] !== undefined) writeFileSync(values['pid-file'], String(pid));
  const text = values.json ? `${JSON.stringify({ pid, vasId, timingsMs })}\n` : '';
  if (values.detach) return { text, exitCode: 0 };
  return { text, exitCode: (await exited).status };
}
