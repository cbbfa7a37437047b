// SPDX-License-Identifier: Apache-2.0
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY } from '../../helpers/paths.js';
import { run, tryRun } from '../../helpers/run.js';
import { writeInitramfs } from './cpio.js';
import { guestRoot } from './root.js';

/** What {@link boot} needs of a guest. */
export interface BootFiles {
  readonly kernel: string;
  readonly initramfs: string;
}

const FETCH_TIMEOUT_MS = 600_000;

/**
 * Provides one of the kernels of scripts/fetch-kernel.sh, with the project's module and a root filesystem for it; the
 * files are removed when the process ends. Resolves with the reason if this machine has no QEMU, or the kernel is not
 * available.
 */
export async function tryGuest(name: string): Promise<BootFiles | string> {
  const qemu = await tryRun('bash', ['-c', 'type -P qemu-system-x86_64']);
  if (qemu.code !== 0) return 'qemu-system-x86_64 is not installed';
  const script = (file: string): string => join(REPOSITORY, 'scripts', file);
  const options = { timeoutMs: FETCH_TIMEOUT_MS };
  const fetched = await tryRun('bash', [script('fetch-kernel.sh'), name], options);
  if (fetched.code !== 0) return fetched.stderr.trim().split('\n').at(-1) ?? 'no such kernel';
  const directory = fetched.stdout.trim();
  const work = await mkdtemp('/var/tmp/mvas-guest-');
  process.once('exit', () => {
    rmSync(work, { recursive: true, force: true });
  });
  const module = join(work, 'module');
  await run('bash', [script('build-module.sh'), name, module], options);
  const initramfs = join(work, 'initramfs');
  await writeInitramfs(await guestRoot({ directory, module: join(module, 'mvas.ko') }), initramfs);
  return { kernel: join(directory, 'vmlinuz'), initramfs };
}
