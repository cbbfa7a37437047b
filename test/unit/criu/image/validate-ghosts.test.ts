// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import {
  emptyCheckpointImage,
  type CheckpointImage,
} from '../../../../src/criu/image/checkpoint-image.js';
import type { FileEntry, GhostFileEntry } from '../../../../src/criu/image/types.js';
import { validateFiles } from '../../../../src/criu/image/validate-files.js';
import { validateGhosts } from '../../../../src/criu/image/validate-ghosts.js';
import { FILE_KINDS } from '../../../../src/criu/resources/files/index.js';
import { NO_OWNER, sampleImage } from '../../../../src/criu/restore/rehearsal/sample-image.js';

function withGhost(more: Partial<GhostFileEntry>): CheckpointImage {
  const image = sampleImage();
  const [[id, { entry, content }] = [0, { entry: undefined, content: [] }]] = image.ghosts;
  if (!entry) throw new TypeError('the sample has a deleted file');
  return { ...image, ghosts: new Map([[id, { entry: { ...entry, ...more }, content }]]) };
}

function withFiles(...files: FileEntry[]): CheckpointImage {
  const inode = { name: 'x', uid: 0, gid: 0, size: 0n, shmid: 7, seals: 0, inode_id: 7n };
  return { ...emptyCheckpointImage(sampleImage().inventory), files, memfds: [inode] };
}

function validate(image: CheckpointImage): void {
  validateGhosts(image);
  validateFiles(image, FILE_KINDS);
}

function memfd(id: number, flags = 2): FileEntry {
  const memfd = { id, flags, pos: 0n, fown: NO_OWNER, inode_id: 7, mvas_made: true };
  return { type: 'MEMFD', id, memfd };
}

/** An end of a FIFO, and the entry of its name, that has never seen a writer. */
function unwritten(flags: number): FileEntry[] {
  const reg = { id: 9, flags, pos: 0n, fown: NO_OWNER, name: '/fifo', build_id: [] };
  const fifo = { id: 8, pipe_id: 1, regf_id: 9, mvas_unwritten: true };
  return [
    { type: 'REG', id: 9, reg },
    { type: 'FIFO', id: 8, fifo },
  ];
}

const time = (tv_usec: bigint) => ({ tv_sec: 1n, tv_usec });
const attribute = (name: string, size = 1) => ({
  mvas_xattrs: [{ name: Buffer.from(name), value: new Uint8Array(size) }],
});

const POSSIBLE: Readonly<Record<string, CheckpointImage>> = {
  times: withGhost({ atim: time(999_999n), mtim: time(0n), mvas_mtim_nsec: 999_999_999 }),
  'an extended attribute': withGhost(attribute('security.capability', 65_536)),
  'an open file made along with its memory': withFiles(memfd(1)),
  'a reader that has seen no writer': withFiles(...unwritten(0o4000)),
};
for (const [what, image] of Object.entries(POSSIBLE)) {
  test(`accepts ${what}`, (t) => {
    t.notThrows(() => {
      validate(image);
    });
  });
}

const IMPOSSIBLE: Readonly<Record<string, readonly [CheckpointImage, RegExp]>> = {
  'a million microseconds': [withGhost({ mtim: time(1_000_000n) }), /no such time/],
  'a milliard nanoseconds': [withGhost({ mvas_atim_nsec: 1_000_000_000 }), /no such time/],
  'an attribute of no namespace': [withGhost(attribute('mine')), /not an extended attribute/],
  'an attribute with a NUL in its name': [withGhost(attribute('user.a\0b')), /not an extended/],
  'a long name': [withGhost(attribute(`user.${'a'.repeat(251)}`)), /not an extended attribute/],
  'a large value': [withGhost(attribute('user.a', 65_537)), /not an extended attribute/],
  'two files made along with one memory': [withFiles(memfd(1), memfd(2)), /not made with/],
  'a file made for reading only': [withFiles(memfd(1, 0)), /not made with its memory/],
  'a file made without access': [withFiles(memfd(1, 0o10000002)), /not made with its memory/],
  'a writer that has seen no writer': [withFiles(...unwritten(1)), /has a writer/],
};
for (const [what, [image, message]] of Object.entries(IMPOSSIBLE)) {
  test(`refuses ${what}`, (t) => {
    t.throws(
      () => {
        validate(image);
      },
      { message, code: 15 },
    );
  });
}
