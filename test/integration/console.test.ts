// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { syscall } from '../../src/native/index.js';
import { SYS } from '../../src/native/sys.js';
import { ConsoleSocket } from '../../src/shim/io/console-socket.js';
import { BIN, REPOSITORY } from '../helpers/paths.js';
import { run, tryRun, until } from '../helpers/run.js';
import { makeBundle } from '../helpers/targets-bundle.js';

/** Targets in a container of plain runc with a console, which is their stdio. */
const TARGETS = join(REPOSITORY, 'test/targets');
const MVAS = join(BIN, 'mvas');
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const TIMEOUT_MS = 120_000;

test.before('build the targets', (t) => {
  t.timeout(300_000);
  execFileSync('make', ['-s', '-C', TARGETS], { stdio: ['ignore', 'ignore', 'inherit'] });
});

/** A container with a console, and the master of its terminal. */
class ConsoleContainer {
  readonly folder = mkdtempSync(join(tmpdir(), 'mvas-console-'));
  readonly id = `console-${this.folder.slice(-6)}`;
  readonly #bundle = join(this.folder, 'bundle');
  readonly #root = join(this.folder, 'runc');
  #master = -1;

  constructor(t: ExecutionContext, target: string) {
    const binary = join(TARGETS, 'build', target);
    const cgroup = `/mvas-target-${this.id}`;
    const none = { extraCapabilities: [], wantsRealtime: false, libraries: [] };
    makeBundle({ path: this.#bundle, binary, cgroup, ...none });
    const path = join(this.#bundle, 'config.json');
    const spec = JSON.parse(readFileSync(path, 'utf8')) as { process: object };
    const withTerminal = { ...spec, process: { ...spec.process, terminal: true } };
    writeFileSync(path, JSON.stringify(withTerminal));
    t.teardown(async () => {
      await tryRun('runc', [...this.#runc, 'delete', '--force', this.id]);
      if (this.#master >= 0) closeSync(this.#master);
      rmSync(this.folder, { recursive: true });
    });
  }

  get image(): string {
    return join(this.folder, 'image');
  }

  get #runc(): string[] {
    return ['--root', this.#root];
  }

  async start(): Promise<void> {
    await this.#receive((socket) => {
      const args = ['run', '--detach', '--bundle', this.#bundle, '--console-socket', socket];
      return run('runc', [...this.#runc, ...args, this.id], { discardOutput: true });
    });
  }

  async checkpoint(t: ExecutionContext): Promise<void> {
    const flags = ['--runc-root', this.#root, '--image-path', this.image];
    const vas = (await run(MVAS, ['checkpoint', ...flags, this.id])).trim();
    t.teardown(() => run(MVAS, ['rm', vas]));
    await run('runc', [...this.#runc, 'delete', '--force', this.id]);
    closeSync(this.#master);
    this.#master = -1;
  }

  async restore(): Promise<void> {
    await this.#receive((socket) => this.#restore('--console-socket', socket));
  }

  restoreWithoutConsole(): Promise<string> {
    return this.#restore();
  }

  async kill(): Promise<void> {
    await run('runc', [...this.#runc, 'kill', this.id, 'TERM']);
  }

  /** Waits until the terminal's output matches; resolves with all output since the call. */
  async expect(pattern: RegExp): Promise<string> {
    let text = '';
    return await until(`the terminal to say ${String(pattern)}`, () => {
      const bytes = Buffer.alloc(4096);
      text += bytes.toString('utf8', 0, readSync(this.#master, bytes));
      if (text.includes('FAIL')) return Promise.resolve(text);
      return Promise.resolve(pattern.test(text) && text);
    });
  }

  #restore(...more: readonly string[]): Promise<string> {
    const where = ['--runc-root', this.#root, '--image-path', this.image, '--bundle', this.#bundle];
    return run(MVAS, ['restore', ...where, '--detach', ...more, this.id]);
  }

  async #receive(work: (socket: string) => Promise<unknown>): Promise<void> {
    const socket = await ConsoleSocket.listen();
    try {
      await work(socket.path);
      this.#master = await socket.receive();
      syscall(SYS.fcntl, this.#master, F_SETFL, O_NONBLOCK);
    } finally {
      socket.close();
    }
  }
}

for (const target of ['memory_private', 'pty_pair', 'pty_session', 'process_stopped']) {
  test.serial(
    `a target on a console is checkpointed, and restored with a new one: ${target}`,
    async (t) => {
      t.timeout(TIMEOUT_MS);
      const container = new ConsoleContainer(t, target);
      await container.start();
      t.regex(await container.expect(/READY\r\n/), /READY/);
      await container.checkpoint(t);
      await container.restore();
      await container.kill();
      t.regex(await container.expect(/PASS\r\n/), /^PASS/);
    },
  );
}

test.serial('a container that had a terminal is not restored without one', async (t) => {
  t.timeout(TIMEOUT_MS);
  const container = new ConsoleContainer(t, 'memory_private');
  await container.start();
  await container.expect(/READY\r\n/);
  await container.checkpoint(t);
  const message = /had a terminal; remedy: give the new one a terminal/;
  await t.throwsAsync(container.restoreWithoutConsole(), { message });
});
