// SPDX-License-Identifier: Apache-2.0
import { assertInvariant } from '../../../../../common/errors.js';
import { MAP_FIXED, MAP_SHARED, PROT_READ_WRITE, SOL } from '../../../../../native/abi/index.js';
import { SYS } from '../../../../../native/sys.js';
import type { PacketRing } from '../../../../image/types.js';
import type { PlanContext } from '../../plan-context.js';
import { PACKET_OPTION as OPTION } from './options.js';

/** Makes the ring of a socket that nothing reaches yet, and puts unread blocks where they are, seen from its first one. */
export function planRing(
  { stage, options }: PlanContext,
  what: string,
  number: number,
  ring: PacketRing,
): void {
  const { block_size: size, block_nr: count, mvas_head: head = 0, mvas_blocks: blocks } = ring;
  const words = [size, count, ring.frame_size, ring.frame_nr];
  const request = Uint32Array.of(...words, ring.retire_tmo, ring.sizeof_priv, ring.features);
  const data = stage.builder.data(new Uint8Array(request.buffer), 8);
  const args = [number, SOL.packet, OPTION.receiveRing, data, request.byteLength];
  stage.run(`${what}: make a ring`, SYS.setsockopt, args);
  if (blocks.length === 0) return;
  const { ringPlace: place } = options;
  assertInvariant(place !== undefined, 'there is room for a ring');
  const mapped = [place, size * count, PROT_READ_WRITE, MAP_SHARED | MAP_FIXED, number, 0];
  stage.sequence.syscall(`${what}: map its ring`, SYS.mmap, mapped, { expect: place });
  for (const { index, content } of blocks) {
    const to = place + BigInt(((index - head + count) % count) * size);
    stage.sequence.copy(`${what}: unread packets`, to, stage.builder.data(content), content.length);
  }
  stage.run(`${what}: unmap its ring`, SYS.munmap, [place, size * count]);
}
