// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readStdioLinks, withStdioLinks } from '../../../src/common/runc-state.js';

const LINKS = ['/dev/null', '/var/log/a "b" \\ & c', 'pipe:[4711]'] as const;
// As Go writes it, with its escapes and with numbers that JSON.parse would change.
const STATE =
  '{"init_process_start":9007199254740993,' +
  '"external_descriptors":["/dev/null","/var/log/a \\"b\\" \\\\ \\u0026 c","pipe:[4711]"],"x":1}';

test('reads where stdio leads, and writes it, without touching the rest', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mvas-state-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const read = (state: string) => {
    writeFileSync(join(folder, 'state.json'), state);
    return readStdioLinks(folder);
  };
  t.deepEqual(read(STATE), LINKS);
  const other = withStdioLinks(STATE, ['$&', 'socket:[1]', '/x']);
  t.deepEqual(read(other), ['$&', 'socket:[1]', '/x']);
  t.true(other.includes('"init_process_start":9007199254740993,'));
  t.true(other.endsWith(',"x":1}'));
  t.is(read('{"external_descriptors":["/dev/null"]}'), undefined);
  t.is(read('{}'), undefined);
  t.is(readStdioLinks(join(folder, 'nowhere')), undefined);
});
