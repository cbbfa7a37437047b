// SPDX-License-Identifier: Apache-2.0
import type { IpcParts } from '../../../../src/criu/image/parts.js';
import type { IpcVarEntry } from '../../../../src/criu/image/types.js';

/** Limits of an IPC namespace as the kernel sets them. */
export const IPC_LIMITS: IpcVarEntry = {
  sem_ctls: [32000, 1_024_000_000, 500, 32000],
  msg_ctlmax: 8192,
  msg_ctlmnb: 16384,
  msg_ctlmni: 32000,
  auto_msgmni: 0,
  shm_ctlmax: 18446744073692774399n,
  shm_ctlall: 18446744073692774399n,
  shm_ctlmni: 4096,
  shm_rmid_forced: 0,
  mq_queues_max: 256,
  mq_msg_max: 10,
  mq_msgsize_max: 8192,
  mq_msg_default: 10,
  mq_msgsize_default: 8192,
};

/** A segment that nobody has attached, a semaphore set and a message queue. */
export function sampleIpc(): IpcParts {
  const desc = { key: 7, uid: 1, gid: 2, cuid: 3, cgid: 4, mode: 0o600, id: 32769 };
  const segment = { desc, size: 56n, in_pagemaps: true, mvas_park: 0x7000n, mvas_runs: [0n, 1n] };
  const set = { desc, nsems: 2, mvas_adjustments: [{ pid: 1, index: 1, value: -3 }] };
  const messages = [{ type: 5n, data: Uint8Array.of(1, 2, 3) }];
  return {
    ipcLimits: IPC_LIMITS,
    segments: [{ entry: segment, payload: new Uint8Array(0) }],
    semaphores: [{ entry: set, payload: Uint8Array.of(1, 0, 2, 0) }],
    messageQueues: [{ entry: { desc, qbytes: 100, qnum: 1 }, messages }],
  };
}
