// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import {
  emptyCheckpointImage,
  type CheckpointImage,
} from '../../../../src/criu/image/checkpoint-image.js';
import type { FileEntry, InetSkEntry, TcpStreamEntry } from '../../../../src/criu/image/types.js';
import { validateFiles } from '../../../../src/criu/image/validate-files.js';
import { FILE_KINDS } from '../../../../src/criu/resources/files/index.js';
import { NO_OWNER, sampleImage } from '../../../../src/criu/restore/rehearsal/sample-image.js';

const INODE = 600;
const { opts } = sampleImage().files.find(({ usk }) => usk)?.usk ?? {};
const STREAM: TcpStreamEntry = {
  ...{ inq_len: 0, inq_seq: 0, outq_len: 0, outq_seq: 0 },
  ...{ opt_mask: 7, snd_wscale: 7, mss_clamp: 1460 },
};

function connection(id: number, more: Partial<InetSkEntry> = {}): FileEntry {
  if (!opts) throw new TypeError('the sample has a socket');
  const isk: InetSkEntry = {
    ...{ id, ino: INODE, family: 2, type: 1, proto: 6, state: 1, flags: 2, backlog: 0 },
    ...{ src_port: 1024, dst_port: 80, src_addr: [0x0100007f], dst_addr: [0x0100007f] },
    ...{ fown: NO_OWNER, opts, mvas_memberships: [], mvas_keys: [], ...more },
  };
  return { type: 'INETSK', id, isk };
}

function validate(files: readonly FileEntry[], more: Partial<CheckpointImage> = {}): void {
  const image = { ...emptyCheckpointImage(sampleImage().inventory), files, ...more };
  validateFiles(image, FILE_KINDS);
}

function streamOf(
  inode: number,
  bytes = 0,
  more: Partial<TcpStreamEntry> = {},
): Pick<CheckpointImage, 'tcpStreams'> {
  const entry = { ...STREAM, inq_len: bytes, ...more };
  return { tcpStreams: new Map([[inode, { entry, payload: new Uint8Array(bytes) }]]) };
}

/** Two ends of a connection, which name these files as each other's. */
function pairOf(first: number, second: number): Pick<CheckpointImage, 'tcpStreams'> {
  const [{ tcpStreams: one }, { tcpStreams: other }] = [
    streamOf(INODE, 0, { mvas_peer: second }),
    streamOf(INODE + 1, 0, { mvas_peer: first }),
  ];
  return { tcpStreams: new Map([...one, ...other]) };
}

const OTHER_END = { ino: INODE + 1, src_port: 80, dst_port: 1024 };

test('accepts a connection, and what it has not read', (t) => {
  t.notThrows(() => {
    validate([connection(1)], streamOf(INODE, 3));
  });
});

const LIES: readonly (readonly [string, RegExp, Partial<InetSkEntry>])[] = [
  ['to a port that there is not', /a port beyond/, { dst_port: 65536 }],
  ['from half an address', /none of its family/, { src_addr: [] }],
  ['with an address of the other family', /none of its family/, { dst_addr: [0, 0, 0, 1] }],
  ['in a state that there is not', /in state 13/, { state: 13 }],
  ['of a family without connections', /has no connection/, { family: 16 }],
  [
    'of UDP that was reset',
    /has no connection/,
    { type: 2, proto: 17, state: 7, mvas_reset: true },
  ],
];
const KEY = { address: Uint8Array.of(127, 0, 0, 1), prefix: 32, key: Uint8Array.of(1) };
const MAPPED = Uint8Array.of(...new Array<number>(10).fill(0), 255, 255, 127, 0, 0, 1);
const KEY_LIES: readonly (readonly [string, RegExp, Partial<InetSkEntry>])[] = [
  ['with an empty key', /an impossible key/, { mvas_keys: [{ ...KEY, key: new Uint8Array() }] }],
  ['with a long key', /an impossible key/, { mvas_keys: [{ ...KEY, key: new Uint8Array(81) }] }],
  ['with a wide key', /an impossible key/, { mvas_keys: [{ ...KEY, prefix: 33 }] }],
  [
    'with a key of the other family',
    /an impossible key/,
    { mvas_keys: [{ ...KEY, address: new Uint8Array(16) }] },
  ],
  [
    'with a key of neither family',
    /an impossible key/,
    { family: 10, mvas_keys: [{ ...KEY, address: MAPPED }] },
  ],
  [
    'with half an address of a key',
    /an impossible key/,
    { mvas_keys: [{ ...KEY, address: new Uint8Array(3) }] },
  ],
  ['with two keys for a peer', /two keys/, { mvas_keys: [KEY, { ...KEY, key: MAPPED }] }],
  ['of UDP with a key', /cannot have keys/, { type: 2, proto: 17, state: 7, mvas_keys: [KEY] }],
];

test('accepts keys of a TCP socket', (t) => {
  t.notThrows(() => {
    validate([connection(1, { mvas_keys: [{ ...KEY, prefix: 0 }, KEY] })]);
  });
});

for (const [what, message, more] of [...LIES, ...KEY_LIES]) {
  test(`refuses a TCP connection ${what}`, (t) => {
    const error = t.throws(
      () => {
        validate([connection(1, more)]);
      },
      { instanceOf: ShimError, message },
    );
    t.is(error.kind, 'dataLoss');
  });
}

test('refuses queues of no connection, of two, and of too many bytes', (t) => {
  const refuses = (message: RegExp, work: () => void): void => {
    t.throws(work, { instanceOf: ShimError, message });
  };
  refuses(/no such socket/, () => {
    validate([connection(1)], streamOf(5));
  });
  refuses(/is another's/, () => {
    validate([connection(1), connection(2)]);
  });
  refuses(/too much data/, () => {
    validate([connection(1)], streamOf(INODE, 256 * 1024 * 1024 + 1));
  });
});

test('accepts both ends of a connection', (t) => {
  t.notThrows(() => {
    validate([connection(1), connection(2, OTHER_END)], pairOf(1, 2));
  });
});

const PAIRS: readonly (readonly [string, RegExp, readonly FileEntry[], [number, number]])[] = [
  ['with itself', /not the other end/, [connection(1), connection(2, OTHER_END)], [1, 1]],
  ['with nobody', /not the other end/, [connection(1), connection(2, OTHER_END)], [1, 9]],
  ['of other addresses', /another address/, [connection(1), connection(2, { ino: 601 })], [1, 2]],
];
for (const [what, message, files, [first, second]] of PAIRS) {
  test(`refuses a TCP connection ${what}`, (t) => {
    const work = (): void => {
      validate(files, pairOf(first, second));
    };
    t.throws(work, { instanceOf: ShimError, message });
  });
}

const STREAMS: readonly (readonly [string, RegExp, Partial<TcpStreamEntry>])[] = [
  ['segments of no bytes', /segments of 0 bytes/, { mss_clamp: 0 }],
  ['a window that is shifted too far', /beyond any/, { rcv_wscale: 15 }],
  ['unknown options', /nobody knows/, { opt_mask: 8 }],
  ['data for an end that is not there', /data for nobody/, { outq_len: 1 }],
];
for (const [what, message, more] of STREAMS) {
  test(`refuses a TCP connection that has ${what}`, (t) => {
    const work = (): void => {
      validate([connection(1)], streamOf(INODE, 0, more));
    };
    t.throws(work, { instanceOf: ShimError, message });
  });
}

const PLACE = { mvas_listener: 2, mvas_turn: 0 };
const LISTENER = connection(2, { ino: 700, state: 10, src_port: 80, dst_port: 0, dst_addr: [] });
const listening = (more: Partial<InetSkEntry>): FileEntry => {
  const { isk } = LISTENER;
  if (!isk) throw new TypeError('it has a socket');
  return connection(2, { ...isk, ...more });
};

test('accepts connections that wait to be accepted', (t) => {
  t.notThrows(() => {
    validate([connection(1), LISTENER], streamOf(INODE, 0, { ...PLACE, outq_len: 0 }));
    validate([listening({ mvas_waiting_outside: 3 })]);
  });
});

const WAITING: readonly (readonly [string, RegExp, FileEntry, Partial<TcpStreamEntry>])[] = [
  ['in no socket', /cannot accept/, LISTENER, { ...PLACE, mvas_listener: 9 }],
  ['in one that does not listen', /cannot accept/, listening({ state: 7 }), PLACE],
  ['at another port', /cannot accept/, listening({ src_port: 81 }), PLACE],
  [
    'and has been accepted',
    /two other ends|not the other end/,
    LISTENER,
    { ...PLACE, mvas_peer: 2 },
  ],
  ['behind more than can wait', /cannot be 1/, LISTENER, { ...PLACE, mvas_turn: 1 }],
  ['nowhere', /half a place/, LISTENER, { mvas_listener: 2 }],
];
for (const [what, message, listener, stream] of WAITING) {
  test(`refuses a TCP connection that waits ${what}`, (t) => {
    const work = (): void => {
      validate([connection(1), listener], streamOf(INODE, 0, stream));
    };
    t.throws(work, { instanceOf: ShimError, message });
  });
}

test('refuses two TCP connections that are accepted at once, and waiting ones without a listener', (t) => {
  const [one, other] = [streamOf(INODE, 0, PLACE), streamOf(INODE + 1, 0, PLACE)];
  const files = [connection(1), connection(3, { ino: INODE + 1, src_port: 1025 }), LISTENER];
  const tcpStreams = new Map([...one.tcpStreams, ...other.tcpStreams]);
  const refuses = (message: RegExp, work: () => void): void => {
    t.throws(work, { instanceOf: ShimError, message });
  };
  refuses(/its turn to be accepted cannot be 0/, () => {
    validate(files, { tcpStreams });
  });
  refuses(/3 connections cannot wait in it/, () => {
    validate([connection(1, { mvas_waiting_outside: 3 })]);
  });
});
