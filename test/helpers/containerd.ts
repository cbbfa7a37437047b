// SPDX-License-Identifier: Apache-2.0
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { run, tryRun, until, type RunOptions, type RunResult } from './run.js';
import { BIN, REPOSITORY } from './paths.js';
import { removeTraces, vasRoot } from './containerd-cleanup.js';
import { cleanUpIfInterrupted } from './interruption.js';

/** How a private containerd is set up. */
export interface ContainerdOptions {
  /** Directories put before PATH, after the project's own `bin`; for example that of `criu`. */
  readonly path?: readonly string[];
  /** Where containerd puts checkpoints before they go to the content store; default on disk. */
  readonly temporary?: string;
  /** Additional environment variables; the shims get them too. */
  readonly env?: NodeJS.ProcessEnv;
  /** Size of a file system of its own for containerd's root, as mount(8) has it for a tmpfs; default: none of its own. */
  readonly rootSize?: string | undefined;
  /** With CRI: its part of the configuration, in TOML. The namespace is CRI's own. */
  readonly cri?: string;
}

/** The namespace of containers that CRI makes. */
export const CRI_NAMESPACE = 'k8s.io';

/**
 * A private containerd: root, state, socket, namespace, cgroups and log are its own, so that several
 * can run on one machine and nothing is left when it stops.
 */
export class PrivateContainerd {
  readonly directory: string;
  /** gRPC socket. */
  readonly address: string;
  /** containerd namespace; also the name of the parent cgroup of all containers. */
  readonly namespace: string;
  readonly logFile: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #settled: () => void;
  #daemon: ChildProcess;
  #snapshotter = 'overlayfs';

  private constructor(directory: string, namespace: string, environment: NodeJS.ProcessEnv) {
    this.directory = directory;
    this.namespace = namespace;
    this.address = join(directory, 'c.sock');
    this.logFile = join(directory, 'containerd.log');
    this.#environment = environment;
    this.#daemon = launch(directory, environment);
    this.#settled = cleanUpIfInterrupted(async () => {
      this.#daemon.kill('SIGKILL');
      await removeTraces(this, true);
    });
  }

  /** Starts a containerd and waits until it answers. The caller stops it. */
  static async start(options: ContainerdOptions = {}): Promise<PrivateContainerd> {
    await run('bash', [join(REPOSITORY, 'scripts/bundle.sh')]); // only tsc may have run since
    const directory = await mkdtemp('/var/tmp/mvas-e2e-');
    await chmod(directory, 0o711); // the root of a user namespace has to get to its bundle
    const temporary = options.temporary ?? join(directory, 'tmp');
    await mkdir(temporary, { recursive: true });
    if (options.rootSize !== undefined) {
      const root = join(directory, 'root');
      await mkdir(root, { mode: 0o711 });
      await run('mount', ['-t', 'tmpfs', '-o', `size=${options.rootSize}`, 'mvas-root', root]);
    }
    await writeFile(join(directory, 'config.toml'), configuration(directory, options.cri));
    const path = [
      BIN,
      ...(options.path ?? []),
      process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
    ];
    const inherited = { ...process.env };
    delete inherited['XDG_RUNTIME_DIR']; // containerd would put checkpoints there
    const environment = {
      ...inherited,
      TMPDIR: temporary,
      PATH: path.join(':'),
      MVAS_ROOT: vasRoot({ directory }),
      MVAS_STANDBY_IDLE_MS: '5000', // it has our environment, so nobody after us can use it
      ...options.env,
    };
    const unique = `mvas-${randomBytes(4).toString('hex')}`;
    const namespace = options.cri === undefined ? unique : CRI_NAMESPACE;
    const containerd = new PrivateContainerd(directory, namespace, environment);
    await containerd.#answers();
    const plugins = await containerd.ctr(['plugins', 'ls']);
    if (!/\boverlayfs\b.*\bok\b/.test(plugins)) containerd.#snapshotter = 'native';
    return containerd;
  }

  /** The snapshotter that containers use here: overlayfs, or native if that is not available. */
  get snapshotter(): string {
    return this.#snapshotter;
  }

  /** Pid of the daemon. */
  get pid(): number {
    return this.#daemon.pid ?? 0;
  }

  /** Kills only the daemon: containers and their shims keep running. */
  async crash(): Promise<void> {
    const gone = once(this.#daemon, 'exit');
    this.#daemon.kill('SIGKILL');
    await gone;
  }

  /** Starts the daemon again after {@link crash}, and waits until it answers. */
  async restart(): Promise<void> {
    this.#daemon = launch(this.directory, this.#environment);
    await this.#answers();
  }

  async #answers(): Promise<void> {
    await until(`containerd in ${this.directory} to answer`, async () => {
      await this.ctr(['version'], { timeoutMs: 5_000 });
      return true;
    });
  }

  /** A container id that no other run of any test uses. */
  uniqueId(name: string): string {
    return `${name}-${this.namespace.slice(5)}${randomBytes(2).toString('hex')}`;
  }

  /** Runs `ctr`, which has to succeed; resolves with its stdout. */
  async ctr(args: readonly string[], options?: RunOptions): Promise<string> {
    return await run('ctr', this.#ctrArguments(args), options);
  }

  /** Runs `ctr` and tells how it ended. */
  async tryCtr(args: readonly string[], options?: RunOptions): Promise<RunResult> {
    return await tryRun('ctr', this.#ctrArguments(args), options);
  }

  /** Has it collect what nobody keeps. By itself it does so only after a hundred changes of its database. */
  async collect(): Promise<void> {
    const id = this.uniqueId('collect');
    await this.ctr(['leases', 'create', '--id', id]);
    await this.ctr(['leases', 'delete', '--sync', id]);
  }

  /** Imports image archives. */
  async importImages(...archives: readonly string[]): Promise<void> {
    for (const archive of archives) {
      await this.ctr(['images', 'import', '--snapshotter', this.#snapshotter, archive]);
    }
  }

  /**
   * Removes all containers, ends the daemon and its shims, and removes every trace: mounts, cgroups,
   * VASes, files. With `keep` the directory with the log stays, to investigate a failure.
   */
  async stop({ keep = false }: { keep?: boolean } = {}): Promise<void> {
    await this.#removeContainers().catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
    });
    if (this.#daemon.exitCode === null && this.#daemon.signalCode === null) {
      const gone = once(this.#daemon, 'exit');
      this.#daemon.kill('SIGTERM');
      const timer = setTimeout(() => this.#daemon.kill('SIGKILL'), 10_000);
      await gone;
      clearTimeout(timer);
    }
    await removeTraces(this, keep);
    this.#settled();
  }

  async #removeContainers(): Promise<void> {
    const tasks = (await this.ctr(['tasks', 'ls', '-q'])).split('\n').filter((id) => id !== '');
    for (const id of tasks) await this.tryCtr(['tasks', 'rm', '-f', id], { timeoutMs: 20_000 });
    const ids = (await this.ctr(['containers', 'ls', '-q'])).split('\n').filter((id) => id !== '');
    for (const id of ids) await this.tryCtr(['containers', 'rm', id], { timeoutMs: 20_000 });
  }

  #ctrArguments(args: readonly string[]): string[] {
    return ['--address', this.address, '--namespace', this.namespace, ...args];
  }
}

/** Runs the daemon; its log goes to a file. */
function launch(directory: string, env: NodeJS.ProcessEnv): ChildProcess {
  const daemon = spawn('containerd', ['--config', join(directory, 'config.toml')], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  daemon.stderr.pipe(createWriteStream(join(directory, 'containerd.log'), { flags: 'a' }));
  process.once('exit', () => daemon.kill('SIGKILL'));
  daemon.on('error', () => undefined); // shows as a containerd that never answers
  return daemon;
}

/** Names in all versions: since 2.0 CRI is two plugins. */
const CRI_PLUGINS = [
  'io.containerd.grpc.v1.cri',
  'io.containerd.cri.v1.images',
  'io.containerd.cri.v1.runtime',
];

function configuration(directory: string, cri: string | undefined): string {
  const unwanted = cri === undefined ? CRI_PLUGINS.map((name) => `"${name}", `).join('') : '';
  return `version = 2
root = "${directory}/root"
state = "${directory}/state"
disabled_plugins = [${unwanted}"io.containerd.internal.v1.opt",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "${directory}/c.sock"
[debug]
  level = "${process.env['MVAS_E2E_LOG'] ?? 'info'}"
${cri ?? ''}`;
}
