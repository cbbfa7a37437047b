// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { API_MESSAGES, type ApiMessages } from '../../../../src/cli/service/messages/index.js';
import { ForkRequest } from '../../../../src/cli/service/messages/service.js';
import { LenientCodec } from '../../../../src/common/wire/lenient-codec.js';
import {
  assertAgrees,
  hasMap,
  referenceOf,
  type OurCodec,
} from '../../../helpers/proto-reference.js';

type Name = keyof ApiMessages;

const CODEC = new LenientCodec<ApiMessages>(API_MESSAGES);
const OURS: OurCodec = {
  tables: API_MESSAGES,
  encode: (name, value) => CODEC.encode(name as Name, value),
  decode: (name, bytes) => CODEC.decode(name as Name, bytes),
};
const codecOf = referenceOf(['mvas/service.proto']);

for (const name of Object.keys(API_MESSAGES)) {
  if (hasMap(API_MESSAGES, name)) continue;
  test(`${name} is coded as its .proto says`, (t) => {
    assertAgrees(t, OURS, name, codecOf(name));
  });
}

test('labels of clones are a map', (t) => {
  const bytes = codecOf(ForkRequest).serialize({ source: 'a', labels: { one: '1' } });
  const { source, labels } = CODEC.decode(ForkRequest, bytes);
  t.deepEqual({ source, labels }, { source: 'a', labels: [{ key: 'one', value: '1' }] });
});
