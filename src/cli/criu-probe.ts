// SPDX-License-Identifier: Apache-2.0
import { closeSync, readSync, writeSync } from 'node:fs';

/*
 * Installed as `criu`, only on request. It answers containerd, which asks for CRIU's version before each
 * checkpoint through CRI although the shim does the work. `criu swrk FD` speaks on a socket of type
 * SOCK_SEQPACKET: one criu_req, one criu_resp (CRIU's rpc.proto). Anything else fails with a reason.
 */

/** criu_req with type = VERSION. */
const VERSION_REQUEST = Buffer.from([0x08, 10]);
/** criu_resp: type = VERSION, success, version { major 3, minor 16 }, the lowest that containerd accepts. */
const VERSION_RESPONSE = Buffer.from([0x08, 10, 0x10, 1, 0x52, 4, 0x08, 3, 0x10, 16]);
const REFUSAL =
  'this is not CRIU: mvas-shim has placed it to answer for the version (mvas install --as criu)';
const MAX_REQUEST_BYTES = 4096;

/** Answers one request; returns whether it asked for the version. */
function answer(fd: number): boolean {
  const buffer = Buffer.alloc(MAX_REQUEST_BYTES);
  const request = buffer.subarray(0, readSync(fd, buffer));
  const isVersion = request.equals(VERSION_REQUEST);
  writeSync(fd, isVersion ? VERSION_RESPONSE : refusalTo(request));
  closeSync(fd);
  return isVersion;
}

/** criu_resp: the request's type, success = false, cr_errmsg (field 9). */
function refusalTo(request: Buffer): Buffer {
  const text = Buffer.from(REFUSAL);
  const type = request[0] === 0x08 ? (request[1] ?? 0) & 0x7f : 0;
  return Buffer.concat([Buffer.from([0x08, type, 0x10, 0, 0x4a, text.length]), text]);
}

const [verb, fd] = process.argv.slice(2);
const isAnswered = verb === 'swrk' && /^\d+$/.test(fd ?? '') && answer(Number(fd));
if (!isAnswered) {
  process.stderr.write(`criu: ${REFUSAL}\n`);
  process.exitCode = 1;
}
