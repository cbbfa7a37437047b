// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { assertInvariant } from '../../src/common/errors.js';
import { PrivateContainerd } from '../helpers/containerd.js';
import { cgroupsOf, mountsBelow, removeVas, vasesOf } from '../helpers/containerd-cleanup.js';
import { RUNTIME, removeContainer } from '../helpers/containers.js';
import { BIN, REPOSITORY } from '../helpers/paths.js';
import { findByArgument } from '../helpers/procfs.js';
import { leftAtLast, run, until } from '../helpers/run.js';
import { FIRST_HEIR } from '../helpers/standbys.js';

const test: TestFn = anyTest;

/** Whether the tests drive containerd's own runtime, to check the tests themselves. */
export const IS_RUNC = RUNTIME === 'io.containerd.runc.v2';

let containerd: PrivateContainerd | undefined;

/** The containerd of this test file. Precondition: {@link useContainerd} was called. */
export function daemon(): PrivateContainerd {
  assertInvariant(containerd !== undefined, 'useContainerd comes before the tests of a file');
  return containerd;
}

/** What {@link useContainerd} does besides the usual. */
interface ContainerdWishes {
  readonly env?: NodeJS.ProcessEnv;
  readonly path?: readonly string[];
  readonly rootSize?: string;
  readonly hasAllHeirs?: boolean;
}

/**
 * Starts a containerd with the given images before the tests of a file, and stops it afterwards; its directory with
 * all logs is kept if a test failed. `env` is added to the shims' environment, `path` to where they find programs;
 * `rootSize`: containerd's root is on a file system of that size; `hasAllHeirs`: the shims' standby has those that users have.
 */
export function useContainerd(
  archives: readonly (() => Promise<string>)[],
  { env = {}, path = [], rootSize, hasAllHeirs = false }: ContainerdWishes = {},
): void {
  let failed = false;
  test.serial.before('start a containerd of our own', async (t) => {
    t.timeout(300_000);
    const criu = IS_RUNC ? [await criuDirectory()] : [];
    const shims = hasAllHeirs ? env : { ...FIRST_HEIR, ...env };
    containerd = await PrivateContainerd.start({ path: [...path, ...criu], env: shims, rootSize });
    for (const archive of archives) await containerd.importImages(await archive());
  });
  test.afterEach.always('remember failures', (t) => {
    failed ||= !t.passed;
  });
  test.after.always('stop it', async () => {
    if (!containerd) return;
    if (failed) {
      const again = `npx ava ${relative(REPOSITORY, fileURLToPath(test.meta.file))}`;
      process.stderr.write(`kept for a look: ${containerd.directory}; again: ${again}\n`);
    }
    await containerd.stop({ keep: failed });
  });
}

/** A unique container id whose container and task are removed when the test ends. */
export function containerId(t: ExecutionContext, name: string): string {
  const id = daemon().uniqueId(name);
  t.teardown(async () => {
    await daemon().tryCtr(['tasks', 'rm', '-f', id]);
    await daemon().tryCtr(['containers', 'rm', id]);
  });
  return id;
}

/** Removes a container and asserts that this works. */
export async function remove(t: ExecutionContext, id: string): Promise<void> {
  await t.notThrowsAsync(removeContainer(daemon(), id));
}

/** The last test of a file: all containers are gone, and the host is as before. */
export function leavesNothingBehind(): void {
  test.serial('leaves no shim, mount, cgroup or VAS behind', async (t) => {
    const { namespace, address, directory } = daemon();
    for (const id of await vasesOf(daemon())) await removeVas(daemon(), id);
    t.deepEqual(await vasesOf(daemon()), []);
    await t.notThrowsAsync(
      until('all shims to end', async () => (await findByArgument(address)).length === 0),
    );
    const tasks = join(directory, 'state', 'io.containerd.runtime.v2.task');
    // containerd tidies up after a shim that has ended.
    const left = await leftAtLast(async () => [
      ...(await cgroupsOf(namespace)).flatMap(childrenOf),
      ...(await mountsBelow(tasks)),
      ...namesIn(`/run/containerd/runc/${namespace}`),
    ]);
    t.deepEqual(left, []);
  });
}

function childrenOf(directory: string): string[] {
  const entries = readdirSync(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(directory, entry.name));
}

function namesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}

/** Where CRIU is, fetched if necessary. */
export async function criuDirectory(): Promise<string> {
  const script = join(BIN, '..', 'scripts', 'fetch-criu.sh');
  return (await run('bash', [script], { timeoutMs: 300_000 })).trim();
}
