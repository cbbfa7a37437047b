// SPDX-License-Identifier: Apache-2.0
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { directoryArchive } from '../images/archive.js';
import { REPOSITORY } from '../paths.js';
import { run, until } from '../run.js';

/**
 * A program under load, both in one container. The load checks every answer, and at its end what the program has
 * stored: test/helpers/apps/run.sh describes how.
 */
export interface App {
  readonly name: string;
  /** Name of the image in containerd. */
  readonly image: string;
  /** Makes the image's archive, or finds it in the cache. */
  readonly archive: () => Promise<string>;
  /** The load: a file of test/helpers/apps with its arguments, or a command. */
  readonly load: readonly string[];
  /** Further flags of `ctr run`. */
  readonly flags?: readonly string[];
}

/** Where the files of test/helpers/apps are in the container. */
const INSIDE = '/app';
/** Steps of the load that show that it goes on. */
const STEPS = 3;

/** The image of an application that Debian packages; see scripts/fetch-app.sh. */
export function packagedApp(name: string): Pick<App, 'image' | 'archive'> {
  const image = `mvas.test/app-${name}:1`;
  const archive = async (): Promise<string> => {
    const script = join(REPOSITORY, 'scripts/fetch-app.sh');
    const root = (await run('bash', [script, name], { timeoutMs: 900_000 })).trim();
    return await directoryArchive(image, root, { args: ['/bin/sh'] });
  };
  return { image, archive };
}

/** Arguments and flags of `ctr run` for the container of an application. */
export function appRequest(app: App): {
  readonly image: string;
  readonly args: readonly string[];
  readonly flags: readonly string[];
} {
  const source = join(REPOSITORY, 'test/helpers/apps');
  const mount = `type=bind,src=${source},dst=${INSIDE},options=rbind:ro`;
  return {
    image: app.image,
    args: ['/bin/sh', `${INSIDE}/run.sh`, ...app.load],
    flags: ['--mount', mount, ...(app.flags ?? [])],
  };
}

/** Waits until the load has taken some more steps. */
export async function goesOn(pid: number): Promise<void> {
  const from = await stepsOf(pid).catch(() => 0); // It may not have begun yet.
  await until(
    `the load of pid ${String(pid)} to go on`,
    async () => (await stepsOf(pid)) >= from + STEPS || (await verdictOf(pid)) !== '',
    { timeoutMs: 180_000 },
  );
}

/** Ends the load, and resolves with what it says of all that it has seen: `ok`, or what was wrong. */
export async function endOf(pid: number): Promise<string> {
  await writeFile(inside(pid, 'stop'), '');
  const ended = async (): Promise<string | false> => (await verdictOf(pid)) || false;
  return (
    await until(`the load of pid ${String(pid)} to end`, ended, { timeoutMs: 180_000 })
  ).trim();
}

async function stepsOf(pid: number): Promise<number> {
  return await stat(inside(pid, 'steps')).then(({ size }) => size);
}

async function verdictOf(pid: number): Promise<string> {
  return await readFile(inside(pid, 'verdict'), 'utf8').catch(() => '');
}

function inside(pid: number, name: string): string {
  return `/proc/${String(pid)}/root/load/${name}`;
}
