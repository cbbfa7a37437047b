// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { vases } from '../../../../src/cli/vases.js';
import { KernelDevice } from '../../../../src/criu/index.js';
import { REPOSITORY } from '../../../helpers/paths.js';
import { tryRun } from '../../../helpers/run.js';
import { runMain, type Said } from '../../../helpers/run-main.js';
import type { Tap } from './tap.js';

/** `mvas` with arguments that have no blanks, in this process. */
function mvas(line: string): Promise<Said> {
  return runMain(line, {
    isRoot: true,
    openStore: () => Promise.resolve(vases),
    openKernel: () => Promise.resolve(KernelDevice.open()),
  });
}

/** The `mvas` command over objects of the kernel. */
export async function tryCommands(tap: Tap): Promise<void> {
  const create = async (line: string): Promise<string> => (await mvas(`create ${line}`)).out;
  const list = async (): Promise<string> => (await mvas('-la -q')).out;

  tap.same('mvas create makes a VAS', await create('vas/jobs --mode 640'), 'vas/1\n');
  const { err: taken } = await mvas('create vas/jobs');
  tap.same('its name is taken then', taken.includes('create vas jobs: EEXIST'), true);
  const segment = 'segment/table --size 64K --start 0x100000000000';
  tap.same('and a segment', await create(segment), 'segment/1\n');
  tap.same('and one that belongs nowhere', await create('segment/free --size 4K'), 'segment/2\n');

  const bin = join(REPOSITORY, 'dist/bundle/cli/mvas.cjs');
  const { stdout } = await tryRun(process.execPath, ['--jitless', bin, '-la', '--json']);
  const common = { uid: 0, gid: 0 };
  tap.same('mvas -la shows them', JSON.parse(stdout), [
    { ...common, kind: 'vas', id: 1, name: 'jobs', mode: 0o640, bytes: 0, start: '0x0' },
    {
      ...{ ...common, kind: 'segment', id: 1, name: 'table', mode: 0o600 },
      ...{ bytes: 65536, start: '0x100000000000' },
    },
    { ...common, kind: 'segment', id: 2, name: 'free', mode: 0o600, bytes: 4096, start: '0x0' },
  ]);

  const attached = await mvas('attach-segment vas/jobs segment/table --read-only');
  tap.same('mvas attach-segment attaches', attached, { code: 0, out: '', err: '' });
  const { err: again } = await mvas('attach-segment vas/1 segment/1');
  tap.same('but once', again.includes('attach segment 1 to vas 1: EEXIST'), true);
  const busy = await mvas('rm segment/table');
  tap.same('an attached segment stays', [busy.code, busy.err.includes('EBUSY')], [1, true]);
  const removed = await mvas('rm vas/1 segment/table segment/2');
  tap.same('mvas rm removes all', [removed.code, await list()], [0, '']);
}
