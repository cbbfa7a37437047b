// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { asVasId } from '../../../../src/common/ids.js';
import { vasDirectory } from '../../../../src/criu/vas/directory.js';
import { failsAlways, noteStart } from '../../../../src/criu/vas/failed-starts.js';

const ID = asVasId('0'.repeat(32));

test('three starts in a row that fail are too many; one that succeeds begins anew', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'mvas-failed-starts-'));
  process.env['MVAS_ROOT'] = root;
  t.teardown(() => {
    rmSync(root, { recursive: true });
  });
  mkdirSync(vasDirectory(ID), { recursive: true });
  const fail = (times: number): boolean => {
    for (let time = 0; time < times; time += 1) noteStart(ID, false);
    return failsAlways(ID);
  };
  t.false(fail(2));
  noteStart(ID, true);
  t.false(fail(2));
  t.true(fail(1));
  noteStart(ID, true);
  t.false(failsAlways(ID));
});
