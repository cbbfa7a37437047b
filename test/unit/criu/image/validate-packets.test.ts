// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import type { CheckpointImage } from '../../../../src/criu/image/checkpoint-image.js';
import type {
  FileEntry,
  MvasPacketBlock,
  PacketMclist,
  PacketRing,
  PacketSockEntry,
  VmaEntry,
} from '../../../../src/criu/image/types.js';
import { validateImage } from '../../../../src/criu/image/validate.js';
import { IMAGE_RULES } from '../../../../src/criu/resources/rules.js';
import { validateFiles } from '../../../../src/criu/image/validate-files.js';
import { FILE_KINDS } from '../../../../src/criu/resources/files/index.js';
import { NO_OWNER, sampleImage } from '../../../../src/criu/restore/rehearsal/sample-image.js';
import { refuses } from './refuses.js';

function socket(more: Partial<PacketSockEntry>): PacketSockEntry {
  const opts = {
    so_sndbuf: 0,
    so_rcvbuf: 0,
    so_snd_tmo_sec: 0n,
    so_snd_tmo_usec: 0n,
    so_rcv_tmo_sec: 0n,
    so_rcv_tmo_usec: 0n,
    so_filter: [],
    mvas_options: [],
  };
  return {
    ...{
      id: 900,
      type: 3,
      protocol: 3,
      flags: 2,
      ifindex: 1,
      mvas_interface: 'lo',
      fown: NO_OWNER,
      opts,
    },
    ...{ version: 2, reserve: 0, aux_data: true, orig_dev: false, vnet_hdr: false, loss: false },
    ...{ timestamp: 0, copy_thresh: 0, mclist: [], ...more },
  };
}

function withSocket(
  { files }: CheckpointImage,
  more: Partial<PacketSockEntry>,
): { files: FileEntry[] } {
  return { files: [...files, { type: 'PACKETSK', id: 900, psk: socket(more) }] };
}

function membership(more: Partial<PacketMclist> = {}): PacketMclist {
  return {
    index: 1,
    type: 1,
    addr: new Uint8Array(6),
    mvas_interface: 'lo',
    mvas_count: 2,
    ...more,
  };
}

function ring(more: Partial<PacketRing> = {}): PacketRing {
  const sizes = { block_size: 8192, block_nr: 4, frame_size: 2048, frame_nr: 16 };
  const rest = { retire_tmo: 10, sizeof_priv: 0, features: 1, mvas_head: 2 };
  return { ...sizes, ...rest, mvas_blocks: [block(1)], ...more };
}

function block(index: number, size = 48): MvasPacketBlock {
  return { index, content: new Uint8Array(size) };
}

const POSSIBLE: Readonly<Record<string, Partial<PacketSockEntry>>> = {
  'bound to an interface': { mclist: [membership()] },
  'bound to all interfaces': { ifindex: 0, mvas_interface: undefined },
  'with a ring': { rx_ring: ring() },
  'in a group': { fanout: 0x1001_4321 },
};
for (const [what, more] of Object.entries(POSSIBLE)) {
  test(`accepts a packet socket ${what}`, (t) => {
    const image = sampleImage();
    t.notThrows(() => {
      validateFiles({ ...image, ...withSocket(image, more) }, FILE_KINDS);
    });
  });
}

const WRONG: readonly (readonly [what: string, message: RegExp, more: Partial<PacketSockEntry>])[] =
  [
    ['of no type', /no type/, { type: 10 }],
    ['with a protocol beyond any', /protocol beyond/, { protocol: 65_536 }],
    ['with an interface without a name', /no name/, { mvas_interface: undefined }],
    ['with a name without an interface', /no name/, { ifindex: 0 }],
    ['with too long a name', /no name/, { mvas_interface: 'a'.repeat(16) }],
    [
      'whose missing interface is down',
      /no name/,
      { ifindex: 0, mvas_interface: undefined, mvas_down: true },
    ],
    ['with rings of no version', /impossible rings/, { version: 3 }],
    ['with headers that its type lacks', /headers/, { type: 2, vnet_hdr: true }],
    ['with a ring to send by', /send/, { tx_ring: ring() }],
    ['with a ring of another version', /impossible ring/, { version: 1, rx_ring: ring() }],
    ['with a ring of no pages', /impossible ring/, { rx_ring: ring({ block_size: 100 }) }],
    ['with a ring of no blocks', /impossible ring/, { rx_ring: ring({ block_nr: 0 }) }],
    ['with a ring beyond any', /impossible ring/, { rx_ring: ring({ block_size: 2 ** 31 }) }],
    ['with a private area in its ring', /impossible ring/, { rx_ring: ring({ sizeof_priv: 8 }) }],
    ['whose ring begins outside', /impossible ring/, { rx_ring: ring({ mvas_head: 4 }) }],
    [
      'with a block outside of its ring',
      /impossible block/,
      { rx_ring: ring({ mvas_blocks: [block(4)] }) },
    ],
    [
      'with too large a block',
      /impossible block/,
      { rx_ring: ring({ mvas_blocks: [block(1, 8193)] }) },
    ],
    [
      'with a block without a header',
      /impossible block/,
      { rx_ring: ring({ mvas_blocks: [block(1, 47)] }) },
    ],
    [
      'with a block twice',
      /impossible block/,
      { rx_ring: ring({ mvas_blocks: [block(1), block(1)] }) },
    ],
    [
      'with an unread block that is to be filled',
      /impossible block/,
      { rx_ring: ring({ mvas_blocks: [block(2)] }) },
    ],
    ['in a group with a program', /program/, { fanout: 0x0006_0001 }],
    [
      'joined to no interface',
      /membership/,
      { mclist: [membership({ mvas_interface: undefined })] },
    ],
    [
      'with too long an address',
      /membership/,
      { mclist: [membership({ addr: new Uint8Array(33) })] },
    ],
    ['with a membership of no type', /membership/, { mclist: [membership({ type: 4 })] }],
    ['that has joined a billion times', /too many/, { mclist: [membership({ mvas_count: 1e9 })] }],
  ];
for (const [what, message, more] of WRONG) {
  refuses(`a packet socket ${what}`, message, (image) => withSocket(image, more));
}

/** The sample with a mapping of a packet socket. */
function withMapping(
  image: CheckpointImage,
  more: Partial<PacketSockEntry>,
  vma: Partial<VmaEntry>,
): Partial<CheckpointImage> {
  const [[pid, mm] = []] = image.mms;
  if (pid === undefined || !mm) throw new TypeError('the sample has memory');
  const where = {
    start: 0x1000n,
    end: 0x9000n,
    pgoff: 0n,
    shmid: 900n,
    prot: 3,
    flags: 1,
    fd: -1n,
  };
  const mapping: VmaEntry = { ...where, status: 1 | (1 << 7), mvas_runs: [], ...vma };
  return {
    ...withSocket(image, more),
    mms: new Map([...image.mms, [pid, { ...mm, vmas: [mapping, ...mm.vmas] }]]),
  };
}
const MAPPED: readonly (readonly [string, RegExp, Partial<PacketSockEntry>, Partial<VmaEntry>])[] =
  [
    ['that has no ring', /without a ring/, {}, {}],
    ['beyond its ring', /not in the ring/, { rx_ring: ring() }, { pgoff: 0x1000n }],
    ['between pages', /not in the ring/, { rx_ring: ring() }, { end: 0x2000n, pgoff: 100n }],
    ['privately', /not in the ring/, { rx_ring: ring() }, { status: 1 | (1 << 6) }],
  ];
for (const [what, message, more, vma] of MAPPED) {
  refuses(`a mapping of a packet socket ${what}`, message, (image) =>
    withMapping(image, more, vma),
  );
}

test('accepts a mapping of a ring', (t) => {
  const image = sampleImage();
  t.notThrows(() => {
    validateImage({ ...image, ...withMapping(image, { rx_ring: ring() }, {}) }, IMAGE_RULES);
  });
});
