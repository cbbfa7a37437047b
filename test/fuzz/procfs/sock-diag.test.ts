// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { ShimError } from '../../../src/common/errors.js';
import {
  parseConnections,
  parseKeyedSockets,
  parseShutdowns,
} from '../../../src/criu/resources/files/sockets/sock-diag.js';
import { parsePacketDiag } from '../../../src/criu/resources/files/sockets/packet-diag.js';

const TIME_BOX_MS = 400;
const RUNS = 20_000;
const HEADER_SIZE = 16;

/** A message whose length is right most of the time. */
const MESSAGE = fc
  .record({
    type: fc.constantFrom(2, 3, 20, 20, 20),
    body: fc.uint8Array({ maxLength: 120 }),
    error: fc.constantFrom(0, 0, 0, 0, 1, -1, 1000),
  })
  .map(({ type, body, error }) => {
    const bytes = Buffer.concat([Buffer.alloc(HEADER_SIZE), body, Buffer.alloc(-body.length & 3)]);
    bytes.writeUInt32LE(HEADER_SIZE + body.length + error, 0);
    bytes.writeUInt16LE(type, 4);
    return bytes;
  });
const DATAGRAM = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.array(MESSAGE, { maxLength: 4 }).map((messages) => Buffer.concat(messages)),
);

const PARSERS: Readonly<Record<string, (datagram: Buffer) => unknown>> = {
  parsePacketDiag: (datagram) => parsePacketDiag(datagram, new Map()),
  parseConnections: (datagram) => parseConnections(datagram, []),
  parseKeyedSockets: (datagram) => parseKeyedSockets(datagram, new Map()),
  parseShutdowns: (datagram) => parseShutdowns(datagram, new Map()),
};

for (const [name, parse] of Object.entries(PARSERS)) {
  test(`any datagram of sock_diag is parsed or refused: ${name}`, (t) => {
    const outcomes = { parsed: 0, refused: 0 };
    const property = fc.property(DATAGRAM, (datagram) => {
      try {
        parse(datagram);
        outcomes.parsed += 1;
      } catch (error) {
        if (!(error instanceof ShimError)) throw error;
        outcomes.refused += 1;
      }
    });
    fc.assert(property, { numRuns: RUNS, interruptAfterTimeLimit: TIME_BOX_MS });
    t.true(outcomes.parsed > 0 && outcomes.refused > 0, 'both happen');
  });
}
