// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import type { CheckpointImage } from '../../../../src/criu/image/checkpoint-image.js';
import type { FileEntry, PacketMclist, PacketSockEntry } from '../../../../src/criu/image/types.js';
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

const POSSIBLE: Readonly<Record<string, Partial<PacketSockEntry>>> = {
  'bound to an interface': { mclist: [membership()] },
  'bound to all interfaces': { ifindex: 0, mvas_interface: undefined },
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
