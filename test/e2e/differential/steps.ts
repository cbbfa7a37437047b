// SPDX-License-Identifier: Apache-2.0
import type { Message } from '../../helpers/containerd-api.js';
import type { ProcessRequest, Step, StreamName } from './scenario.js';

/** Short names for the steps of scenarios. An exec id of '' means init. */

const call = (method: string, request: Message = {}): Step => ({ do: 'call', method, request });

export const create: Step = call('Create');
export const pids: Step = call('ListPids');
export const pause: Step = call('Pause');
export const resume: Step = call('Resume');
export const remove: Step = call('Delete');
export const metrics: Step = { do: 'metrics' };

export const start = (execId = ''): Step => call('Start', { exec_id: execId });
export const state = (execId = ''): Step => call('Get', { exec_id: execId });
export const wait = (execId = ''): Step => call('Wait', { exec_id: execId });
export const removeExec = (execId: string): Step => call('DeleteProcess', { exec_id: execId });

/** Signals init or an exec. */
export const kill = (signal: number, execId = ''): Step =>
  call('Kill', { signal, exec_id: execId });

/** Signals all processes of the container. */
export const killAll = (signal: number): Step => call('Kill', { signal, all: true });

export const resize = (width: number, height: number, execId = ''): Step =>
  call('ResizePty', { width, height, exec_id: execId });

export const closeStdin = (execId = ''): Step => call('CloseIO', { exec_id: execId, stdin: true });

/** Changes limits; `resources` is an OCI LinuxResources, or any text. */
export const update = (resources: Message | string): Step => {
  const text = typeof resources === 'string' ? resources : JSON.stringify(resources);
  const type = 'types.containerd.io/opencontainers/runtime-spec/1/LinuxResources';
  return call('Update', { resources: { type_url: type, value: Buffer.from(text) } });
};

/** Registers a command, or a process, to be started. */
export const exec = (execId: string, command: readonly string[] | ProcessRequest): Step => ({
  do: 'exec',
  execId,
  process: 'args' in command ? command : { args: command },
});

/** Registers and starts a command, waits for its end, and removes it. */
export const runExec = (execId: string, command: readonly string[]): Step[] => [
  exec(execId, command),
  start(execId),
  wait(execId),
  removeExec(execId),
];

export const read = (
  until: string,
  execId = '',
  stream: StreamName['stream'] = 'stdout',
): Step => ({
  do: 'read',
  execId,
  stream,
  until,
});

export const write = (text: string, execId = ''): Step => ({ do: 'write', execId, text });
export const hangUp = (execId = ''): Step => ({ do: 'hangUp', execId });
export const begin = (name: string, step: Step): Step => ({ do: 'begin', name, step });
export const end = (name: string): Step => ({ do: 'end', name });
/** Checkpoints the task, which goes on, or ends. */
export const checkpoint = (how: 'leave' | 'exit'): Step => ({
  do: 'checkpoint',
  exit: how === 'exit',
});
export const restore: Step = { do: 'restore' };
export const beside = (...steps: readonly Step[]): Step[] =>
  steps.map((step) => ({ do: 'beside', step }));
export const atOnce = (...steps: readonly (readonly Step[])[]): Step => ({ do: 'atOnce', steps });

export const cgroup = (controller: string, file: string): Step => ({
  do: 'cgroup',
  controller,
  file,
});

/** A shell command as a list of arguments. */
export const sh = (script: string): string[] => ['sh', '-c', script];

/** The usual beginning of a scenario, and its usual end. */
export const running: readonly Step[] = [create, start(), read('ready\n')];
export const gone: readonly Step[] = [kill(9), wait(), remove];
