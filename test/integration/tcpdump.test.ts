// SPDX-License-Identifier: Apache-2.0
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { REPOSITORY } from '../helpers/paths.js';
import { run, until } from '../helpers/run.js';
import { makeBundle } from '../helpers/targets-bundle.js';
import { mvasEngine, runCommand, type Place } from '../helpers/targets-engine.js';
import { librariesOf } from '../helpers/targets-run.js';

const TCPDUMP = '/usr/bin/tcpdump';
const PORT = 7741;
const ARGS = ['-Z', 'root', '-n', '-l', '-t', '-i', 'lo', 'udp', 'and', 'port', String(PORT)];
/** More than its ring has blocks: 2 MiB, of 256 KiB or more each. */
const A_ROUND = 9;

test('tcpdump shows each packet, before and after a checkpoint and a restore', async (t) => {
  const engine = mvasEngine(REPOSITORY);
  const folder = mkdtempSync(join(tmpdir(), 'mvas-tcpdump-'));
  const id = `tcpdump-${folder.slice(-6)}`;
  const place: Place = {
    id,
    bundle: join(folder, 'bundle'),
    runcRoot: join(folder, 'runc'),
  };
  const runc = (...args: string[]): Promise<unknown> =>
    run('runc', ['--root', place.runcRoot, ...args]);
  const logPath = join(folder, 'log');
  const log = openSync(logPath, 'a');
  t.teardown(async () => {
    await runc('delete', '--force', id);
    await engine.discard(place);
    closeSync(log);
    rmSync(folder, { recursive: true });
  });
  makeBundle({
    ...{
      path: place.bundle,
      binary: TCPDUMP,
      args: ARGS,
      cgroup: `/mvas-${id}`,
    },
    ...{ extraCapabilities: [], wantsRealtime: false },
    libraries: [...librariesOf(TCPDUMP), '/etc/passwd', '/etc/group'],
  });
  const start = ['runc', '--root', place.runcRoot, 'run', '--detach', '--bundle', place.bundle, id];
  t.is((await runCommand(start, log)).status, 0);
  const initPid = async (): Promise<number> => {
    const { stdout } = await runCommand(['runc', '--root', place.runcRoot, 'state', id]);
    return (JSON.parse(stdout) as { pid: number }).pid;
  };
  const shown = (): number[] =>
    [...readFileSync(logPath, 'utf8').matchAll(/UDP, length (\d+)/g)].map(([, size]) =>
      Number(size),
    );
  const sent: number[] = [];
  const send = async (): Promise<void> => {
    const size = 100 + sent.length;
    const code = `printf %${String(size)}s x >/dev/udp/127.0.0.1/${String(PORT)}`;
    await run('nsenter', ['-t', String(await initPid()), '-n', 'bash', '-c', code]);
    sent.push(size);
    await until(`tcpdump to show packet ${String(sent.length)}`, () =>
      Promise.resolve(shown().length >= sent.length),
    );
  };

  await until('tcpdump to listen', () =>
    Promise.resolve(readFileSync(logPath, 'utf8').includes('listening on lo')),
  );
  for (let count = 0; count < 3; count++) await send();
  const imagePath = join(folder, 'image');
  const checkpoint = await engine.checkpoint(place, imagePath, true);
  t.is(checkpoint.status, 0, checkpoint.stderr);
  await send();

  await runc('delete', '--force', id);
  t.is((await engine.restore(place, imagePath, log)).status, 0);
  for (let count = 0; count < A_ROUND; count++) await send();
  t.deepEqual(shown(), sent);
});
