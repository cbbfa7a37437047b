// SPDX-License-Identifier: Apache-2.0
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { PrivateContainerd } from './containerd.js';
import { run, tryRun, until, type RunResult } from './run.js';

/** A private Docker daemon on a private containerd, with host networking only and no firewall rules. */
export class PrivateDocker {
  readonly #containerd: PrivateContainerd;
  readonly #daemon: ChildProcess;

  private constructor(containerd: PrivateContainerd, daemon: ChildProcess) {
    this.#containerd = containerd;
    this.#daemon = daemon;
  }

  /** Starts the daemon, with more flags if they are given, and waits until it answers. The caller stops it before its containerd. */
  static async start(
    containerd: PrivateContainerd,
    more: Readonly<Record<string, string>> = {},
  ): Promise<PrivateDocker> {
    const { directory, address, namespace } = containerd;
    const place = (name: string): string => join(directory, 'docker', name);
    const flags = {
      containerd: address,
      'data-root': place('data'),
      'exec-root': place('exec'),
      pidfile: place('pid'),
      host: socketOf(containerd),
      bridge: 'none',
      iptables: 'false',
      ip6tables: 'false',
      experimental: 'true',
      'cgroup-parent': `/${namespace}`,
      'config-file': place('none.json'),
      ...more,
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    await run('mkdir', ['-p', place('exec')]);
    await run('sh', ['-c', 'echo "{}" > "$1"', 'sh', place('none.json')]);
    const daemon = spawn('dockerd', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    daemon.stderr.pipe(createWriteStream(join(directory, 'dockerd.log')));
    process.once('exit', () => daemon.kill('SIGKILL'));
    daemon.on('error', () => undefined); // shows as a daemon that never answers
    const docker = new PrivateDocker(containerd, daemon);
    await until('dockerd to answer', async () => {
      await docker.run(['info']);
      return true;
    });
    return docker;
  }

  /** Runs `docker`, which has to succeed; resolves with its stdout. */
  async run(args: readonly string[]): Promise<string> {
    return await run('docker', ['--host', socketOf(this.#containerd), ...args]);
  }

  /** Runs `docker` and tells how it ended. */
  async tryRun(args: readonly string[]): Promise<RunResult> {
    return await tryRun('docker', ['--host', socketOf(this.#containerd), ...args]);
  }

  /** Ends the daemon. */
  async stop(): Promise<void> {
    if (this.#daemon.exitCode !== null || this.#daemon.signalCode !== null) return;
    const gone = once(this.#daemon, 'exit');
    this.#daemon.kill('SIGTERM');
    await gone;
  }
}

function socketOf({ directory }: PrivateContainerd): string {
  return `unix://${join(directory, 'docker.sock')}`;
}
