// SPDX-License-Identifier: Apache-2.0
import type { Message } from '../../helpers/containerd-api.js';
import type { ProcessRequest } from './scenario.js';

const CAPABILITIES = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_KILL', 'CAP_SETGID', 'CAP_SETUID'];

/** Says `ready`, and ends by SIGTERM with status 3. */
const IDLE = ['sh', '-c', "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done"];

/** Init of a scenario that names none. */
export const IDLE_PROCESS: ProcessRequest = { args: IDLE };

/** An OCI process, for init and execs. */
export function processSpec(request: ProcessRequest): Message {
  return {
    terminal: request.terminal ?? false,
    user: { uid: 0, gid: 0 },
    args: request.args,
    env: ['PATH=/usr/bin:/bin', 'TERM=xterm', 'HOME=/root'],
    cwd: '/',
    capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
    noNewPrivileges: true,
    ...request.spec,
  };
}

/** The spec of a container like those that `ctr run` makes. */
export function containerSpec(request: ProcessRequest, cgroupsPath: string): Message {
  return {
    ociVersion: '1.0.2',
    hostname: 'scenario',
    root: { path: 'rootfs' },
    process: processSpec(request),
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec'] },
      tmpfs('/dev', 'mode=755'),
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
      },
      tmpfs('/run', 'mode=755'),
      tmpfs('/tmp', 'mode=1777'),
    ],
    linux: {
      cgroupsPath,
      namespaces: ['pid', 'mount', 'ipc', 'uts', 'network'].map((type) => ({ type })),
      resources: { devices: [{ allow: true, access: 'rwm' }] },
    },
  };
}

/** Lays one object over another, field by field; lists and null replace what was there. */
export function overlay(base: Message, over: Message): Message {
  const result = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const below = base[name];
    result[name] = isMessage(value) && isMessage(below) ? overlay(below, value) : value;
  }
  return result;
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function tmpfs(destination: string, mode: string): Message {
  const options = ['nosuid', 'strictatime', mode, 'size=16m'];
  return { destination, type: 'tmpfs', source: 'tmpfs', options };
}
