// SPDX-License-Identifier: Apache-2.0
import { copyFileSync, lchownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What containerd grants by default. */
const DEFAULT_CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

/** What to make a bundle of. */
export interface BundleRequest {
  /** Directory to make; must not exist. */
  readonly path: string;
  /** Becomes `/target`, the only file of the root filesystem beside `libraries`. */
  readonly binary: string;
  /** Arguments of the binary; two meaningless ones by default. */
  readonly args?: readonly string[];
  /** Cgroup of the container below each hierarchy's root. */
  readonly cgroup: string;
  readonly extraCapabilities: readonly string[];
  /** Gives the cgroup a share of realtime scheduling (cgroup v1 grants none by default). */
  readonly wantsRealtime: boolean;
  /** Lets all groups make ping sockets. */
  readonly wantsPing?: boolean;
  /** Shared libraries and the loader, by host path: copied to the same place in the root. */
  readonly libraries: readonly string[];
  /** A file of the pid namespace that it shares; it gets its own by default. */
  readonly pidNamespace?: string | undefined;
  /** Gives it a user namespace, whose ids are the host's from here on. */
  readonly firstId?: number | undefined;
}

/** Makes an OCI bundle: one binary, a writable root, a tmpfs on /dev, /dev/shm, /tmp and /run. */
export function makeBundle(request: BundleRequest): void {
  const root = join(request.path, 'rootfs');
  for (const folder of ['proc', 'dev', 'sys', 'tmp', 'run', 'data', 'etc']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  copyFileSync(request.binary, join(root, 'target'));
  for (const library of request.libraries) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }
  if (request.firstId !== undefined) own(root, request.firstId);
  writeFileSync(join(request.path, 'config.json'), JSON.stringify(spec(request), null, 2));
}

/** Gives a tree to the root of a user namespace. */
function own(root: string, id: number): void {
  for (const name of ['', ...readdirSync(root, { encoding: 'utf8', recursive: true })]) {
    lchownSync(join(root, name), id, id);
  }
}

function spec(request: BundleRequest): object {
  const capabilities = [...DEFAULT_CAPABILITIES, ...request.extraCapabilities];
  return {
    ociVersion: '1.0.2',
    hostname: 'target',
    root: { path: 'rootfs', readonly: false },
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ['/target', ...(request.args ?? ['first argument', 'second'])],
      env: ['PATH=/', 'GREETING=good morning', 'EMPTY='],
      cwd: '/',
      capabilities: {
        bounding: capabilities,
        effective: capabilities,
        permitted: capabilities,
      },
      noNewPrivileges: false,
    },
    mounts: mounts(),
    linux: {
      cgroupsPath: request.cgroup,
      ...namespaces(request),
      ...(request.wantsPing && { sysctl: { 'net.ipv4.ping_group_range': '0 2147483647' } }),
      resources: {
        devices: [{ allow: true, access: 'rwm' }],
        ...(request.wantsRealtime && {
          cpu: { realtimeRuntime: 10_000, realtimePeriod: 1_000_000 },
        }),
      },
    },
  };
}

function namespaces({ firstId: hostID, pidNamespace: path }: BundleRequest): object {
  const pid = { type: 'pid', ...(path !== undefined && { path }) };
  const plain = [pid, ...['mount', 'ipc', 'uts', 'network'].map((type) => ({ type }))];
  if (hostID === undefined) return { namespaces: plain };
  const maps = [{ containerID: 0, hostID, size: 65_536 }];
  return { namespaces: [...plain, { type: 'user' }], uidMappings: maps, gidMappings: maps };
}

function mounts(): object[] {
  const tmpfs = (destination: string, options: readonly string[]): object => ({
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', ...options],
  });
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    tmpfs('/dev', ['strictatime', 'mode=755', 'size=64m']),
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
    },
    tmpfs('/dev/shm', ['nodev', 'noexec', 'mode=1777', 'size=64m']),
    tmpfs('/tmp', ['nodev', 'mode=1777', 'size=64m']),
    tmpfs('/run', ['nodev', 'mode=755', 'size=64m']),
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'ro'] },
  ];
}
