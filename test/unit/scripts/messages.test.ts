// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { families, generate } from '../../../scripts/generate-messages.js';
import { parseProto } from '../../../scripts/proto-parser.js';
import { ShimError } from '../../../src/common/errors.js';

for (const family of await families()) {
  test(`what is committed in ${family.folder} is what the protos give`, async (t) => {
    const files = await generate(family);
    t.deepEqual((await readdir(family.folder)).sort(), [...files.keys()].sort());
    for (const [name, text] of files) {
      t.is(await readFile(join(family.folder, name), 'utf8'), text, name);
    }
  });
}

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

const REFUSED = {
  oneof: 'message a {\n  oneof b {',
  'a field of proto2 without a label': 'message A {\nuint32 a = 1;',
  'a call outside of a service': 'message A {\nrpc B(C) returns (D);',
  'a reserved number outside of a message': 'syntax = "proto3";\nreserved 1;',
};

for (const [what, text] of Object.entries(REFUSED)) {
  test(`the parser of protos refuses ${what}`, (t) => {
    t.throws(() => parseProto(text), { instanceOf: ShimError, message: /line 2/ });
  });
}

test('a comment behind a field is of that field, as one above it is', (t) => {
  const lines = ['// Above.', 'uint32 a = 1;', 'uint32 b = 2; // Behind.', 'uint32 c = 3;'];
  const text = ['syntax = "proto3";', 'message A {', ...lines, '}'].join('\n');
  const [message] = parseProto(text).messages;
  t.deepEqual(
    message?.fields.map(({ comment }) => comment),
    ['Above.', 'Behind.', undefined],
  );
});
