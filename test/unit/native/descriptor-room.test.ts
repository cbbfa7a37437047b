// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readFileSync } from 'node:fs';
import test from 'ava';
import { makeRoomForDescriptors } from '../../../src/native/descriptor-room.js';

test('a table of descriptors gets room, and keeps none of them', (t) => {
  makeRoomForDescriptors();
  t.true(Number(/^FDSize:\s*(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) >= 8192);
  const fd = openSync('/dev/null', 'r');
  closeSync(fd);
  t.true(fd < 8191);
});
