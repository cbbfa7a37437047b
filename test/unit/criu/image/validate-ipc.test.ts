// SPDX-License-Identifier: Apache-2.0
import type { CheckpointImage } from '../../../../src/criu/image/checkpoint-image.js';
import { VMA_STATUS } from '../../../../src/criu/image/constants.js';
import { vma } from '../../../../src/criu/restore/rehearsal/sample-image.js';
import { refuses } from './refuses.js';

type Segments = CheckpointImage['segments'];

/** A change of the only segment. */
const withSegment =
  (more: Partial<Segments[number]['entry']>) =>
  ({ segments }: CheckpointImage) => ({
    segments: segments.map((one) => ({ ...one, entry: { ...one.entry, ...more } })),
  });

/** A change of the only semaphore set. */
const withSet =
  (more: Partial<CheckpointImage['semaphores'][number]['entry']>) =>
  ({ semaphores }: CheckpointImage) => ({
    semaphores: semaphores.map((one) => ({ ...one, entry: { ...one.entry, ...more } })),
  });

refuses('System V objects without limits', /no limits/, () => ({ ipcLimits: undefined }));
refuses('a segment that lies nowhere', /no one place/, withSegment({ mvas_park: undefined }));
refuses('a segment beyond user memory', /no room/, withSegment({ mvas_park: 0x7fff_ffff_e000n }));
refuses('a segment of no bytes', /impossible size/, withSegment({ size: 0n }));
refuses('a huge segment', /impossible size/, withSegment({ size: 1n << 63n }));
refuses('a segment with pages beyond its end', /beyond/, withSegment({ mvas_runs: [1n, 1n] }));
refuses('a segment in the image', /not in the VAS/, withSegment({ in_pagemaps: false }));
refuses('two segments of an id', /an id that it cannot have/, ({ segments }) => ({
  segments: [...segments, ...segments],
}));
refuses('a mapping of an unknown segment', /segment 5 is unknown/, (image) => {
  const [pid, mm] = [...image.mms][0] ?? [];
  if (pid === undefined || !mm) return {};
  const status = VMA_STATUS.regular | VMA_STATUS.anonShared | VMA_STATUS.sysvIpc;
  const mapped = { ...vma(0x7000_0000_0000n, 0x7000_0000_1000n), status, shmid: 5n };
  const entry = { ...mapped, mvas_park: 0x1_0000_0000n, mvas_size: 4096n };
  return { mms: new Map(image.mms).set(pid, { ...mm, vmas: [entry] }) };
});
refuses('a semaphore that is too large', /out of range/, ({ semaphores }) => ({
  semaphores: semaphores.map((one) => ({ ...one, payload: Uint8Array.of(0, 0x80, 0, 0) })),
}));
for (const more of [{ pid: 99 }, { index: 2 }, { value: 0 }, { value: 32768 }]) {
  const adjustment = { pid: 1, index: 1, value: 1, ...more };
  const change = withSet({ mvas_adjustments: [adjustment] });
  refuses(`the adjustment ${JSON.stringify(more)}`, /adjustment that there cannot be/, change);
}
refuses('a message of type 0', /impossible type/, ({ messageQueues }) => ({
  messageQueues: messageQueues.map((queue) => ({
    ...queue,
    messages: [{ type: 0n, data: new Uint8Array(0) }],
  })),
}));
