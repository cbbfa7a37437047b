// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { extract, pack } from 'tar-stream';
import { ShimError } from '../../../../src/common/errors.js';
import { headerOf, inodeOf, type Named } from '../../../../src/criu/resources/tmpfs-header.js';

/** A header as tar-stream writes and reads it. */
async function throughTar(header: Named): Promise<Named> {
  const archive = pack();
  archive.entry({ ...header, size: 0 }, Buffer.alloc(0));
  archive.finalize();
  const entries = extract();
  archive.pipe(entries);
  for await (const entry of entries) {
    entry.resume();
    return entry.header;
  }
  throw new ShimError('internal', 'the archive is empty');
}

const S_IFREG = 0o100000;

const id = fc.oneof(
  fc.constantFrom(0, 0o777777, 0o1000000, 0o7777777, 0o10000000, 0x7fffffff, 0xfffffffe),
  fc.integer({ min: 0, max: 0xfffffffe }),
);
const time = fc.oneof(
  fc.constantFrom(-1n, 0n, 1n, 2n ** 31n * 10n ** 9n, 2n ** 32n * 10n ** 9n, 2n ** 33n * 10n ** 9n),
  fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
);
const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 300 })
  .filter((text) => !/[\0/]/.test(text));

test('owners, modes, times and names of files come back from an archive', async (t) => {
  const inode = fc.record({
    uid: id,
    gid: id,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    mtimeNs: time,
  });
  const property = fc.asyncProperty(name, inode, async (own, given) => {
    const { uid, gid, mode, mtimeNs } = given;
    const stat = { uid: BigInt(uid), gid: BigInt(gid), mode: BigInt(mode | S_IFREG), mtimeNs };
    const read = await throughTar(headerOf(`./${own}`, stat, []));
    t.is(read.name, `./${own}`);
    t.deepEqual(inodeOf(read), given);
  });
  await fc.assert(property, { numRuns: 300 });
});

test('what is neither owner nor time is refused', (t) => {
  const pax = (records: Record<string, string>): Named => ({ name: 'a', pax: records });
  for (const uid of ['-1', '4294967295', '1.5', 'x']) {
    t.throws(() => inodeOf(pax({ uid })), { message: /is not an owner/ });
  }
  t.throws(() => inodeOf({ name: 'a', gid: -1 }), { message: /is not an owner/ });
  for (const mtime of ['', 'x', '1.', '--1', '1'.repeat(16)]) {
    t.throws(() => inodeOf(pax({ mtime })), { message: /is not a time/ });
  }
  t.is(inodeOf({ name: 'a', mtime: new Date(5000) }).mtimeNs, 5_000_000_000n);
});
