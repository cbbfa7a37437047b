// SPDX-License-Identifier: Apache-2.0
import { deepStrictEqual, strictEqual } from 'node:assert';
import test from 'ava';
import fc from 'fast-check';
import { ShimError } from '../../../src/common/errors.js';
import { parseArgs } from '../../../src/shim/args.js';
import { readBootstrap } from '../../../src/shim/bootstrap.js';
import { parseStream } from '../../../src/shim/io/stdio-uri.js';
import { decode, encode } from '../../../src/shim/proto/codec.js';
import { CreateTaskRequest } from '../../../src/common/messages/task.js';
import { Request } from '../../../src/shim/proto/messages/ttrpc.js';
import { optionsInTable } from '../../../src/shim/runc/options-table.js';
import { encodeFrame, FrameDecoder, type Frame } from '../../../src/shim/rpc/frame.js';

const LIMIT = { interruptAfterTimeLimit: 5_000, numRuns: 2_000 };

/** Whatever the input, the outcome is a value or a ShimError. */
function onlyShimErrors(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof ShimError)) throw error;
  }
}

/** Feeds bytes in pieces of the given sizes. */
function feed(bytes: Uint8Array, sizes: readonly number[]): Frame[] {
  const decoder = new FrameDecoder();
  const frames: Frame[] = [];
  let offset = 0;
  for (const size of [...sizes, bytes.length]) {
    frames.push(...decoder.push(bytes.subarray(offset, offset + size)));
    offset = Math.min(bytes.length, offset + size);
  }
  return frames;
}

const frames = fc.array(
  fc.record({
    streamId: fc.nat(),
    type: fc.integer({ min: 0, max: 255 }),
    payload: fc.uint8Array({ maxLength: 64 }),
  }),
  { maxLength: 8 },
);

test('frames come back whatever way their bytes are cut', (t) => {
  const property = fc.property(frames, fc.array(fc.nat(40)), (sent, sizes) => {
    const bytes = Buffer.concat(sent.map((f) => encodeFrame(f.streamId, f.type, f.payload)));
    const got = feed(bytes, sizes).map(({ streamId, type, payload }) => ({
      streamId,
      type,
      payload: [...payload],
    }));
    deepStrictEqual(
      got,
      sent.map((frame) => ({ ...frame, payload: [...frame.payload] })),
    );
  });
  fc.assert(property, LIMIT);
  t.pass();
});

test('any bytes give the same frames at once and one by one', (t) => {
  const property = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    deepStrictEqual(
      feed(
        bytes,
        Array.from(bytes, () => 1),
      ),
      feed(bytes, []),
    );
  });
  fc.assert(property, LIMIT);
  t.pass();
});

test('any bytes are a message or refused', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      onlyShimErrors(() => decode(Request, bytes));
      onlyShimErrors(() => decode(CreateTaskRequest, bytes));
      readBootstrap(bytes, 'a', 'ns');
    }),
    LIMIT,
  );
  t.pass();
});

test('a message comes back', (t) => {
  const texts = fc.string({ unit: 'binary' });
  const property = fc.property(
    texts,
    fc.uint8Array(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    (service, bytes, timeoutNano) => {
      const payload = Uint8Array.from(bytes);
      const { service: back, ...rest } = decode(
        Request,
        encode(Request, { service, payload, timeoutNano }),
      );
      strictEqual(back, service);
      deepStrictEqual([...rest.payload], [...payload]);
      strictEqual(rest.timeoutNano, timeoutNano);
    },
  );
  fc.assert(property, LIMIT);
  t.pass();
});

const words = fc.oneof(
  fc.string(),
  fc.constantFrom(
    '-namespace',
    '-id',
    '--id=a',
    '-debug',
    '-bundle',
    'start',
    'delete',
    '--',
    'ns',
  ),
);

test('any arguments are understood or refused', (t) => {
  fc.assert(
    fc.property(fc.array(words), (argv) => {
      onlyShimErrors(() => {
        const { action, id, namespace } = parseArgs(argv);
        if (action === 'version' || action === 'info') return;
        if (`${id}${namespace}`.includes('/'))
          throw new Error('what becomes a path has a separator');
      });
    }),
    LIMIT,
  );
  t.pass();
});

test('any stream is understood or refused', (t) => {
  const uris = fc.oneof(
    fc.string(),
    fc
      .tuple(fc.constantFrom('binary://', 'file:///', 'fifo://'), fc.string())
      .map((x) => x.join('')),
  );
  fc.assert(
    fc.property(uris, (uri) => {
      onlyShimErrors(() => parseStream(uri));
    }),
    LIMIT,
  );
  t.pass();
});

test('any table of options is read, or warned of', (t) => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom('Root = "/r"', 'IoUid = 7', "Root = '", '[x]'),
  );
  const property = fc.property(fc.array(line), (lines) => {
    onlyShimErrors(() => optionsInTable(Buffer.from(lines.join('\n')), () => undefined));
  });
  fc.assert(property, LIMIT);
  t.pass();
});
