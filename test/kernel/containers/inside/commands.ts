// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { runAttachSegment } from '../../../../src/cli/attach-segment.js';
import { runCreate } from '../../../../src/cli/create.js';
import { main } from '../../../../src/cli/main.js';
import { vases } from '../../../../src/cli/vases.js';
import { KernelDevice } from '../../../../src/criu/index.js';
import { REPOSITORY } from '../../../helpers/paths.js';
import { tryRun } from '../../../helpers/run.js';
import type { Tap } from './tap.js';

const open = (): KernelDevice => KernelDevice.open();

/** `mvas` with arguments that have no blanks, in this process. */
async function mvas(line: string): Promise<{ code: number; out: string; err: string }> {
  const output = { out: '', err: '' };
  const code = await main(line.split(' '), {
    version: '',
    isRoot: true,
    openStore: () => Promise.resolve(vases),
    openKernel: open,
    writeOut: (text) => (output.out += text),
    writeError: (text) => (output.err += text),
    now: () => new Date(),
  });
  return { code, ...output };
}

function errorOf(act: () => unknown): string {
  try {
    act();
    return 'no error';
  } catch (error) {
    return String(error);
  }
}

/** The `mvas` command over objects of the kernel. */
export async function tryCommands(tap: Tap): Promise<void> {
  const create = (line: string): string => runCreate(line.split(' '), open);
  const attach = (line: string): string => runAttachSegment(line.split(' '), open);
  const list = async (): Promise<string> => (await mvas('-la -q')).out;

  tap.same('mvas create makes a VAS', create('vas/jobs --mode 640'), 'vas/1\n');
  const taken = errorOf(() => create('vas/jobs'));
  tap.same('its name is taken then', /create vas jobs: EEXIST/.exec(taken) !== null, true);
  const segment = 'segment/table --size 64K --start 0x100000000000';
  tap.same('and a segment', create(segment), 'segment/1\n');
  tap.same('and one that belongs nowhere', create('segment/free --size 4K'), 'segment/2\n');

  const bin = join(REPOSITORY, 'dist/src/cli/bin.js');
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

  tap.same('mvas attach-segment attaches', attach('vas/jobs segment/table --read-only'), '');
  const again = errorOf(() => attach('vas/1 segment/1'));
  tap.same('but once', /attach segment 1 to vas 1: EEXIST/.exec(again) !== null, true);
  const busy = await mvas('rm segment/table');
  tap.same('an attached segment stays', [busy.code, busy.err.includes('EBUSY')], [1, true]);
  const removed = await mvas('rm vas/1 segment/table segment/2');
  tap.same('mvas rm removes all', [removed.code, await list()], [0, '']);
}
