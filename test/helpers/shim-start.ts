// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { isAlive } from '../../src/shim/socket.js';
import { cleanUpIfInterrupted } from './interruption.js';
import { BIN } from './paths.js';
import { findByArgument } from './procfs.js';
import { until, type RunResult } from './run.js';
import { oldest, standbysOf, type Standby } from './standbys.js';

/** Options of a `start`, besides the usual ones. */
export interface StartRequest {
  readonly id: string;
  readonly group?: string;
  readonly input?: Uint8Array;
  readonly env?: NodeJS.ProcessEnv;
  /** The executable; default: that of the build. */
  readonly binary?: string;
  /** Runs the executable by another one, such as one that changes the surroundings. */
  readonly wrapper?: readonly string[];
}

/**
 * The shim's executable, run as containerd runs it but without a containerd. Its environment is its own,
 * and so are the standbys that it starts.
 */
export class ShimStarter {
  readonly directory = mkdtempSync(join(tmpdir(), 'mvas-start-'));
  readonly address = join(this.directory, 'containerd.sock');
  readonly #made = new Set<string>();
  readonly #env: NodeJS.ProcessEnv;
  readonly #settled = cleanUpIfInterrupted(() => this.stop());

  constructor(env: NodeJS.ProcessEnv = {}) {
    this.#env = {
      ...process.env,
      TTRPC_ADDRESS: `${this.address}.ttrpc`,
      MVAS_STANDBY_IDLE_MS: '20000',
      MVAS_STANDBY_WARM_UP: '0', // One that warms up is replaced by its heir.
      ...env,
    };
  }

  /** Runs `start` in a new bundle; the socket's directory is containerd's usual one. */
  async start(request: StartRequest): Promise<RunResult> {
    const { id, group = '', wrapper = [] } = request;
    const bundle = this.bundle(id);
    mkdirSync(bundle, { recursive: true });
    const annotations = group === '' ? {} : { 'io.containerd.runc.v2.group': group };
    writeFileSync(join(bundle, 'config.json'), JSON.stringify({ annotations }));
    const [command = '', ...args] = [
      ...wrapper,
      request.binary ?? join(BIN, 'containerd-shim-mvas-v1'),
      ...['-namespace', 'ns', '-address', this.address, '-publish-binary', '/bin/false'],
      ...['-id', id, 'start'],
    ];
    const env = { ...this.#env, ...request.env };
    const child = spawn(command, args, { cwd: bundle, env, stdio: 'pipe' });
    child.stdin.on('error', () => undefined).end(request.input ?? '');
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (data: Buffer) => (output.stdout += data.toString()));
    child.stderr.on('data', (data: Buffer) => (output.stderr += data.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    if (output.stdout.startsWith('unix://')) this.#made.add(output.stdout.slice('unix://'.length));
    return { code: code ?? -1, ...output };
  }

  bundle(id: string): string {
    return join(this.directory, id);
  }

  /** Pids of all daemons that were started here. */
  daemons(): Promise<number[]> {
    return findByArgument(this.address);
  }

  /** The one daemon; waits until it serves at an address. */
  async daemonAt(address: string): Promise<number> {
    await until(`a daemon at ${address}`, () => isAlive(address.replace('unix://', '')));
    // A fork that finds another daemon of its group has answered before it ends.
    return await until(`one daemon at ${address}`, async () => {
      const [pid, ...others] = await this.daemons();
      return others.length === 0 && pid;
    });
  }

  /** The standbys that were started here: known by their environment. */
  standbys(): Standby[] {
    const found = oldest(standbysOf(this.address));
    for (const { directory } of found) this.#made.add(directory);
    return found;
  }

  /** The only standby that was started here; waits for it. */
  async standby(): Promise<Standby> {
    return await until('a standby', () => {
      const [standby, ...others] = this.standbys();
      return Promise.resolve(others.length === 0 && standby);
    });
  }

  /** Ends daemons and standbys, and removes all files. */
  async stop(): Promise<void> {
    for (const pid of await this.daemons()) kill(pid);
    this.standbys(); // Their directories are removed as well.
    for (const { pid } of standbysOf(this.address)) kill(pid);
    for (const path of [...this.#made, this.directory])
      rmSync(path, { recursive: true, force: true, maxRetries: 5 }); // They may still be making a file.
    this.#settled();
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
