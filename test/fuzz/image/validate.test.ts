// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { asNsPid } from '../../../src/common/ids.js';
import { ShimError } from '../../../src/common/errors.js';
import {
  emptyCheckpointImage,
  type CheckpointImage,
} from '../../../src/criu/image/checkpoint-image.js';
import type { MessageName } from '../../../src/criu/image/schema.js';
import { validateImage } from '../../../src/criu/image/validate.js';
import { IMAGE_RULES } from '../../../src/criu/resources/rules.js';
import { messageArbitrary } from '../../unit/criu/image/arbitraries.js';
import { sampleImage } from '../../../src/criu/restore/rehearsal/sample-image.js';

const TIME_BOX_MS = 1_000;
const RUNS = 20_000;

/** Small numbers, so that references resolve now and then. */
const ID = fc.integer({ min: 0, max: 12 });
const PID = ID.map(asNsPid);

function mapOf<K extends number, T>(
  id: fc.Arbitrary<K>,
  value: fc.Arbitrary<T>,
): fc.Arbitrary<Map<K, T>> {
  return fc.array(fc.tuple(id, value), { maxLength: 3 }).map((pairs) => new Map(pairs));
}

function listOf<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(value, { maxLength: 3 });
}

const BYTES = fc.uint8Array({ maxLength: 8 });

function withPayload<M extends MessageName>(name: M, length: number) {
  const payload = fc.uint8Array({ minLength: length, maxLength: length });
  return fc.record({ entry: messageArbitrary(name), payload });
}

/** One or two parts of a checkpoint, of any content. */
const PARTS: fc.Arbitrary<Partial<CheckpointImage>> = fc.record(
  {
    pstree: listOf(fc.record({ pid: PID, ppid: PID, pgid: PID, sid: PID, threads: listOf(PID) })),
    cores: mapOf(PID, messageArbitrary('core_entry', 2)),
    ids: mapOf(PID, messageArbitrary('task_kobj_ids_entry')),
    mms: mapOf(PID, messageArbitrary('mm_entry')),
    fs: mapOf(PID, messageArbitrary('fs_entry')),
    fdinfo: mapOf(ID, listOf(messageArbitrary('fdinfo_entry'))),
    files: listOf(messageArbitrary('file_entry', 1)),
    tcpStreams: mapOf(ID, withPayload('tcp_stream_entry', 0)),
    remaps: listOf(messageArbitrary('remap_file_path_entry')),
    memfds: listOf(messageArbitrary('memfd_inode_entry')),
    ghosts: mapOf(
      ID,
      fc.record({ entry: messageArbitrary('ghost_file_entry'), content: fc.constant([]) }),
    ),
    mqueues: listOf(messageArbitrary('mvas_mqueue_entry')),
    packets: listOf(withPayload('sk_packet_entry', 0)),
    ttys: listOf(messageArbitrary('tty_info_entry')),
    ttyData: listOf(messageArbitrary('tty_data_entry')),
    locks: listOf(messageArbitrary('file_lock_entry')),
    ipcLimits: messageArbitrary('ipc_var_entry'),
    segments: listOf(withPayload('ipc_shm_entry', 0)),
    semaphores: listOf(withPayload('ipc_sem_entry', 4)),
    messageQueues: listOf(
      fc.record({
        entry: messageArbitrary('ipc_msg_entry'),
        messages: listOf(fc.record({ type: fc.bigInt({ min: 0n, max: 1n << 64n }), data: BYTES })),
      }),
    ),
    seccomp: messageArbitrary('seccomp_entry'),
  },
  { requiredKeys: [] },
);

function refusesOrAccepts(base: CheckpointImage): fc.IProperty<[Partial<CheckpointImage>]> {
  return fc.property(PARTS, (parts) => {
    try {
      validateImage({ ...base, ...parts }, IMAGE_RULES);
    } catch (error) {
      if (!(error instanceof ShimError) || error.kind !== 'dataLoss') throw error;
    }
  });
}

for (const [what, base] of [
  ['a valid checkpoint with parts replaced', sampleImage()],
  ['a checkpoint of arbitrary parts', emptyCheckpointImage({ img_version: 2, mvas_tmpfs: [] })],
] as const) {
  test(`${what} is accepted, or refused as dataLoss`, (t) => {
    const box = { interruptAfterTimeLimit: TIME_BOX_MS, markInterruptAsFailure: false };
    t.notThrows(() => {
      fc.assert(refusesOrAccepts(base), { numRuns: RUNS, ...box });
    });
  });
}
