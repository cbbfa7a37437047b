// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asNsPid, INIT } from '../../../../src/common/ids.js';
import { ShimError } from '../../../../src/common/errors.js';
import {
  emptyCheckpointImage,
  type CheckpointImage,
} from '../../../../src/criu/image/checkpoint-image.js';
import type { FileEntry, SkPacketEntry, UnixSkEntry } from '../../../../src/criu/image/types.js';
import { validateFiles } from '../../../../src/criu/image/validate-files.js';
import { FILE_KINDS } from '../../../../src/criu/resources/files/index.js';
import { NO_OWNER, sampleImage } from '../../../../src/criu/restore/rehearsal/sample-image.js';

const { opts } = sampleImage().files.find(({ usk }) => usk)?.usk ?? {};
const RIGHTS = 1;
const [STREAM, DATAGRAM] = [1, 2];
const CLOSED = 7;

function socket(id: number, more: Partial<UnixSkEntry> = {}): FileEntry {
  if (!opts) throw new TypeError('the sample has a socket');
  const usk: UnixSkEntry = {
    ...{ id, ino: 100 + id, type: DATAGRAM, state: CLOSED, flags: 2, uflags: 0, backlog: 0 },
    ...{ peer: 0, fown: NO_OWNER, opts, name: new Uint8Array(), mvas_paths: [], ...more },
  };
  return { type: 'UNIXSK', id, usk };
}

function packet(
  id_for: number,
  rights: readonly number[],
  more: Partial<SkPacketEntry> = {},
): CheckpointImage['packets'][number] {
  const scm = rights.length > 0 ? [{ type: RIGHTS, rights: [...rights] }] : [];
  const entry = { id_for, length: 1, scm, ...more };
  return { entry, payload: new Uint8Array(entry.length) };
}

/** The first of these files is open as descriptor 3 of process 1. */
function validate(
  files: readonly FileEntry[],
  packets: readonly CheckpointImage['packets'][number][],
): void {
  const [{ id, type } = { id: 0, type: 'UNIXSK' as const }] = files;
  const { ids } = sampleImage();
  const image = {
    ...emptyCheckpointImage(sampleImage().inventory),
    ...{ files, packets, ids },
    fdinfo: new Map([[1, [{ fd: 3, id, type, flags: 0 } as const]]]),
  };
  validateFiles(image, FILE_KINDS);
}

type Packets = readonly CheckpointImage['packets'][number][];

function accepts(title: string, files: readonly FileEntry[], packets: Packets): void {
  test(title, (t) => {
    t.notThrows(() => {
      validate(files, packets);
    });
  });
}

function refuses(
  title: string,
  files: readonly FileEntry[],
  packets: Packets,
  message: RegExp,
): void {
  test(title, (t) => {
    const work = (): void => {
      validate(files, packets);
    };
    t.is(t.throws(work, { instanceOf: ShimError, message }).kind, 'dataLoss');
  });
}

const FOLDER = '/run';
const PATH = Buffer.from('/run/x\0');
const lent = { mvas_sender: PATH, mvas_folder: FOLDER };

accepts('accepts a file in a queue', [socket(1), socket(2)], [packet(1, [2])]);
accepts('accepts a socket in its own queue', [socket(1)], [packet(1, [1, 1])]);
accepts(
  'accepts sockets in queues of each other',
  [socket(1), socket(2)],
  [packet(1, [2]), packet(2, [1, 2])],
);
accepts('accepts credentials of a process', [socket(1)], [packet(1, [], { mvas_pid: INIT })]);
accepts('accepts a sender with a name', [socket(1)], [packet(1, [], lent)]);

refuses(
  'refuses queues that only they themselves hold',
  [socket(1), socket(2), socket(3)],
  [packet(2, [3]), packet(3, [2])],
  /socket 2: nobody can receive from it/,
);
refuses('refuses files that do not exist', [socket(1)], [packet(1, [9])], /passed file 9/);
refuses(
  'refuses more files than a message has',
  [socket(1)],
  [
    packet(
      1,
      Array.from({ length: 254 }, () => 1),
    ),
  ],
  /too many files/,
);
refuses(
  'refuses other messages',
  [socket(1)],
  [packet(1, [], { scm: [{ type: 2, rights: [1] }] })],
  /such a type/,
);
refuses(
  'refuses files without a byte of a stream',
  [socket(1, { type: STREAM })],
  [packet(1, [1], { length: 0 })],
  /without a byte/,
);
refuses(
  'refuses a pidfd in a queue',
  [
    socket(1),
    { type: 'PIDFD', id: 2, pidfd: { id: 2, ino: 5, flags: 2, nspid: INIT, fown: NO_OWNER } },
  ],
  [packet(1, [2])],
  /pidfd cannot be passed/,
);
refuses(
  'refuses credentials of nobody',
  [socket(1)],
  [packet(1, [], { mvas_pid: asNsPid(999) })],
  /no process 999/,
);
refuses(
  'refuses impossible ids',
  [socket(1)],
  [packet(1, [], { mvas_pid: INIT, mvas_uid: 0xffffffff })],
  /impossible ids/,
);
refuses(
  'refuses a path without its folder',
  [socket(1)],
  [packet(1, [], { mvas_sender: PATH })],
  /no such name/,
);
refuses(
  'refuses a relative folder',
  [socket(1)],
  [packet(1, [], { ...lent, mvas_folder: 'run' })],
  /no such name/,
);
refuses(
  'refuses a name that is too long',
  [socket(1)],
  [packet(1, [], { mvas_sender: new Uint8Array(109) })],
  /no such name/,
);
refuses(
  'refuses senders to a connected socket',
  [socket(1, { peer: 102 }), socket(2, { peer: 101 })],
  [packet(1, [], lent)],
  /nobody but its peer/,
);
refuses(
  'refuses the name of a peer that is not closed',
  [socket(1, { mvas_peer_name: PATH, mvas_peer_folder: FOLDER })],
  [],
  /is not closed/,
);

const LISTENING = socket(1, { type: STREAM, state: 10 });

function client(id: number, turn: number, more: Partial<UnixSkEntry> = {}): FileEntry {
  const place = { mvas_listener: 1, mvas_turn: turn };
  return socket(id, { type: STREAM, state: 1, ...place, ...more });
}

accepts('accepts connections that wait', [LISTENING, client(2, 1), client(3, 0)], []);

refuses('refuses one that waits in itself', [client(1, 0)], [], /cannot wait in file 1/);
refuses(
  'refuses one that waits in what is not there',
  [LISTENING, client(2, 0, { mvas_listener: 9 })],
  [],
  /cannot wait in file 9/,
);
refuses('refuses a turn that is taken', [LISTENING, client(2, 0), client(3, 0)], [], /taken twice/);
refuses('refuses a gap between turns', [LISTENING, client(2, 0), client(3, 2)], [], /missing/);
refuses(
  'refuses a connection of another type',
  [LISTENING, client(2, 0, { type: 5 })],
  [],
  /cannot wait/,
);
refuses(
  'refuses one that waits without a turn',
  [LISTENING, client(2, 0, { mvas_turn: undefined })],
  [],
  /waits nowhere/,
);
refuses(
  'refuses one that waits and is connected',
  [LISTENING, client(2, 0, { peer: 103 }), socket(3, { peer: 102 })],
  [],
  /waits, and does not/,
);
accepts(
  'accepts one that waits and has sent something',
  [LISTENING, client(2, 0)],
  [packet(2, [])],
);
accepts('accepts one that waits and has sent files', [LISTENING, client(2, 0)], [packet(2, [1])]);
refuses(
  'refuses one that waits where nobody can receive what it has sent',
  [client(2, 0), LISTENING],
  [packet(2, [1])],
  /nobody can receive/,
);
refuses(
  'refuses one that waits and has sent something by another name',
  [LISTENING, client(2, 0)],
  [packet(2, [], lent)],
  /nobody but its peer/,
);
