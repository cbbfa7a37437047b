// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { generate } from '../../../../scripts/generate-image-types.js';
import { parseProto } from '../../../../scripts/proto-parser.js';
import { ShimError } from '../../../../src/common/errors.js';

const MESSAGES = join('src', 'criu', 'image', 'messages');

test('the committed messages are those of the protos', async (t) => {
  const files = await generate(join('proto', 'criu'));
  t.deepEqual((await readdir(MESSAGES)).sort(), [...files.keys()].sort());
  for (const [name, text] of files) t.is(await readFile(join(MESSAGES, name), 'utf8'), text, name);
});

test('extension fields are ours by name and by number', async (t) => {
  for (const name of await readdir(join('proto', 'criu'))) {
    const proto = parseProto(await readFile(join('proto', 'criu', name), 'utf8'));
    for (const message of proto.messages.filter((each) => !each.name.startsWith('mvas_'))) {
      for (const field of message.fields) {
        const named = field.name.startsWith('mvas_') || field.name === 'vid';
        t.is(field.number >= 10_000, named, `${message.name}.${field.name}`);
      }
      t.is(new Set(message.fields.map(({ number }) => number)).size, message.fields.length);
    }
  }
});

test('the parser of protos refuses what it does not know', (t) => {
  t.throws(() => parseProto('message a {\n  oneof b {'), {
    instanceOf: ShimError,
    message: /line 2/,
  });
});
