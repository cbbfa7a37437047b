// SPDX-License-Identifier: Apache-2.0
import type { RuncSettings } from './settings.js';

/** runc's global flags. Pure. */
export function globalArgs(settings: RuncSettings, logFile: string): string[] {
  return [
    '--root',
    settings.root,
    '--log',
    logFile,
    '--log-format',
    'json',
    ...(settings.systemdCgroup ? ['--systemd-cgroup'] : []),
  ];
}

/** Arguments of `runc create`. */
export interface CreateArgs {
  readonly id: string;
  readonly bundle: string;
  readonly pidFile: string;
  readonly consoleSocket?: string;
  readonly noPivotRoot: boolean;
  readonly noNewKeyring: boolean;
}

/** `runc create`. Pure. */
export function createArgs(create: CreateArgs): string[] {
  return [
    'create',
    '--bundle',
    create.bundle,
    '--pid-file',
    create.pidFile,
    ...consoleArgs(create.consoleSocket),
    ...(create.noPivotRoot ? ['--no-pivot'] : []),
    ...(create.noNewKeyring ? ['--no-new-keyring'] : []),
    create.id,
  ];
}

/** Arguments of `runc exec`. */
export interface ExecArgs {
  readonly id: string;
  /** File with the process, as JSON. */
  readonly processFile: string;
  readonly pidFile: string;
  readonly consoleSocket?: string;
}

/** `runc exec`, detached. Pure. */
export function execArgs(exec: ExecArgs): string[] {
  return [
    'exec',
    '--process',
    exec.processFile,
    ...consoleArgs(exec.consoleSocket),
    '--detach',
    '--pid-file',
    exec.pidFile,
    exec.id,
  ];
}

/** `runc kill`. Pure. */
export function killArgs(id: string, signal: number, all: boolean): string[] {
  return ['kill', ...(all ? ['--all'] : []), id, String(signal)];
}

function consoleArgs(socket: string | undefined): string[] {
  return socket === undefined ? [] : ['--console-socket', socket];
}
