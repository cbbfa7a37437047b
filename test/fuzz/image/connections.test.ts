// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { ShimError } from '../../../src/common/errors.js';
import {
  emptyCheckpointImage,
  type CheckpointImage,
} from '../../../src/criu/image/checkpoint-image.js';
import type {
  FileEntry,
  InetSkEntry,
  MvasTcpKey,
  TcpStreamEntry,
} from '../../../src/criu/image/types.js';
import { validateFiles } from '../../../src/criu/image/validate-files.js';
import { FILE_KINDS } from '../../../src/criu/resources/files/index.js';
import { placeOf } from '../../../src/criu/resources/files/kinds/inet/protocols.js';
import { NO_OWNER, sampleImage } from '../../../src/criu/restore/rehearsal/sample-image.js';
import { messageArbitrary } from '../../unit/criu/image/arbitraries.js';

const TIME_BOX_MS = 1_000;
const RUNS = 20_000;

const { opts } = sampleImage().files.find(({ usk }) => usk)?.usk ?? {};
const EMPTY = emptyCheckpointImage({ img_version: 2, mvas_tmpfs: [] });
/** So few that two sockets are often the ends of one connection. */
const FEW = fc.integer({ min: 1, max: 2 });

/** Right most of the time, so that what connects sockets is checked. */
const STREAM: fc.Arbitrary<TcpStreamEntry> = fc.oneof(
  messageArbitrary('tcp_stream_entry'),
  ...[
    ...[1, 2].map((mvas_peer) => ({ mvas_peer })),
    ...[0, 1].map((mvas_turn) => ({ mvas_listener: 2, mvas_turn })),
  ].map((other) =>
    fc.constant({
      ...{ inq_len: 0, inq_seq: 0, outq_len: 0, outq_seq: 0 },
      ...{ opt_mask: 7, snd_wscale: 7, mss_clamp: 1460, ...other },
    }),
  ),
);

/** Mostly none. */
const KEYS: fc.Arbitrary<MvasTcpKey[]> = fc.oneof(
  { weight: 7, arbitrary: fc.constant<MvasTcpKey[]>([]) },
  fc.constant<MvasTcpKey[]>([
    { address: Uint8Array.of(127, 0, 0, 1), prefix: 32, key: Uint8Array.of(1) },
  ]),
  fc.array(messageArbitrary('mvas_tcp_key'), { maxLength: 2 }),
);

const SOCKET: fc.Arbitrary<Partial<InetSkEntry>> = fc.record(
  {
    ino: FEW,
    src_addr: fc.constantFrom<number[]>([0x0100007f], [0, 0, 0, 1], []),
    dst_port: fc.constantFrom(80, 1024, 65536),
    state: fc.constantFrom(1, 2, 7, 10, 13),
    family: fc.constantFrom(2, 10),
    proto: fc.constantFrom(6, 17),
    mvas_reset: fc.boolean(),
    mvas_keys: KEYS,
    mvas_waiting_outside: fc.constantFrom(0, 1, 0xffffffff),
  },
  { requiredKeys: [] },
);

function fileOf(id: number, more: Partial<InetSkEntry>): FileEntry {
  if (!opts) throw new TypeError('the sample has a socket');
  const isk: InetSkEntry = {
    ...{ id, ino: id, family: 2, type: 1, proto: 6, state: 1, flags: 2, backlog: 0 },
    ...{ src_port: id === 1 ? 80 : 1024, dst_port: id === 1 ? 1024 : 80 },
    ...{ src_addr: [0x0100007f], dst_addr: [0x0100007f] },
    ...{ fown: NO_OWNER, opts, mvas_memberships: [], mvas_keys: [], ...more },
  };
  return { type: 'INETSK', id, isk };
}

/** Two sockets, and what is left of up to two connections. */
const IMAGE: fc.Arbitrary<CheckpointImage> = fc
  .tuple(
    SOCKET,
    fc.oneof(SOCKET, fc.constant({ state: 10 })),
    fc.array(fc.tuple(FEW, STREAM), { maxLength: 3 }),
  )
  .map(([one, other, streams]) => ({
    ...EMPTY,
    files: [fileOf(1, one), fileOf(2, other)],
    tcpStreams: new Map(
      streams.map(([ino, entry]) => [ino, { entry, payload: new Uint8Array(0) }]),
    ),
  }));

test('connections are accepted, or refused as dataLoss', (t) => {
  const outcomes = new Map<string, number>();
  const count = (what: string): unknown => outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
  const property = fc.property(IMAGE, (image) => {
    try {
      validateFiles(image, FILE_KINDS);
      count(image.tcpStreams.size === 2 ? 'pair' : 'accepted');
      if (image.files.some(({ isk }) => isk?.mvas_reset)) count('reset');
      if (image.files.some(({ isk }) => isk && placeOf(image, isk))) count('waits');
      if (image.files.some(({ isk }) => (isk?.mvas_keys.length ?? 0) > 0)) count('keys');
    } catch (error) {
      if (!(error instanceof ShimError) || error.kind !== 'dataLoss') throw error;
      count(error.message.includes('not the other end') ? 'wrong peer' : 'refused');
    }
  });
  fc.assert(property, { seed: 4201, numRuns: 6_000 });
  t.deepEqual([...outcomes.keys()].sort(), [
    ...['accepted', 'keys', 'pair', 'refused', 'reset', 'waits', 'wrong peer'],
  ]);
  fc.assert(property, { numRuns: RUNS, interruptAfterTimeLimit: TIME_BOX_MS });
});
