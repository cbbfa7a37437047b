// SPDX-License-Identifier: Apache-2.0
import { asVasId } from '../../../../src/common/ids.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import { OUR_FORMAT } from '../../../../src/criu/image/constants.js';
import { ImageWriter } from '../../../../src/criu/image/image-writer.js';
import type { InventoryEntry } from '../../../../src/criu/image/types.js';
import { findImage } from '../../../../src/criu/restore/open-image.js';
import { bootId } from '../../../../src/criu/vas/store.js';

const VAS_ID = 'f'.repeat(32);

/** The refusal of an image with a `vas.json` and an inventory of ours. */
async function refusal(t: ExecutionContext, ours: Partial<InventoryEntry>): Promise<ShimError> {
  const folder = mkdtempSync(join(tmpdir(), 'mvas-open-image-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, 'image');
  const writer = await ImageWriter.create(path);
  const createdAt = '2026-01-31T12:00:00.000Z';
  const reference = {
    format: 1,
    vasId: asVasId(VAS_ID),
    bootId: bootId(),
    createdAt,
    containerId: 'a',
  };
  await writer.writeVasReference({ ...reference, format: 1 });
  await writer.commit({ img_version: 2, mvas_tmpfs: [], ...ours }, { durable: false });
  return t.throws(() => findImage(path), { instanceOf: ShimError });
}

test('an image of another version is refused as such', async (t) => {
  for (const format of [undefined, OUR_FORMAT - 1, OUR_FORMAT + 1]) {
    const ours = { mvas_vas_id: VAS_ID, ...(format === undefined ? {} : { mvas_format: format }) };
    const { kind, message } = await refusal(t, ours);
    t.is(kind, 'failedPrecondition');
    t.regex(message, /another version of mvas-shim made it; remedy: take a new checkpoint$/);
  }
});

test('an image whose parts name different VASes is refused', async (t) => {
  const { kind, message } = await refusal(t, {
    mvas_vas_id: 'e'.repeat(32),
    mvas_format: OUR_FORMAT,
  });
  t.is(kind, 'dataLoss');
  t.regex(message, /its inventory and vas.json name different VASes$/);
});

test('one of this version is looked for by its VAS', async (t) => {
  const { message } = await refusal(t, { mvas_vas_id: VAS_ID, mvas_format: OUR_FORMAT });
  t.regex(message, /is no longer on this host/);
});
