// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import {
  encodeFrame,
  FRAME_TYPE,
  FrameDecoder,
  HEADER_BYTES,
  MAX_PAYLOAD_BYTES,
} from '../../../../src/shim/rpc/frame.js';

test('the header is length, stream, type, flags, big endian', (t) => {
  const bytes = encodeFrame(0x01020305, FRAME_TYPE.request, Buffer.from('ab'));
  t.is(bytes.toString('hex'), '00000002010203050100' + '6162');
});

test('a frame without a payload is a frame', (t) => {
  const [frame] = new FrameDecoder().push(encodeFrame(1, FRAME_TYPE.response, new Uint8Array(0)));
  t.like(frame, { streamId: 1, type: FRAME_TYPE.response });
  t.is(frame?.payload.length, 0);
});

test('an oversize payload is discarded and the next frame is read', (t) => {
  const length = MAX_PAYLOAD_BYTES + 1;
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(length, 0);
  header.writeUInt32BE(5, 4);
  const decoder = new FrameDecoder();
  const frames = [
    ...decoder.push(header),
    ...decoder.push(Buffer.alloc(length - 3)),
    ...decoder.push(Buffer.concat([Buffer.alloc(3), encodeFrame(7, 1, Buffer.from('x'))])),
  ];
  t.is(frames.length, 2);
  t.like(frames[0], { streamId: 5, oversizeBytes: length });
  t.like(frames[1], { streamId: 7 });
});
