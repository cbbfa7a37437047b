// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { PrivateContainerd } from '../test/helpers/containerd.js';
import { run } from '../test/helpers/run.js';
import type { ContentDescriptor } from '../test/helpers/tasks-client.js';

/** Name of the statistics in a checkpoint: CRIU's, in CRIU's format, from whichever engine. */
const STATS_FILE = 'stats-dump';
const HEADER_BYTES = 8; // IMG_SERVICE_MAGIC, STATS_MAGIC (criu/include/magic.h)
const DUMP_ENTRY = 1; // StatsEntry.dump (images/stats.proto)
const FROZEN_TIME = 2; // DumpStatsEntry.frozen_time, microseconds

/** Standstill as a checkpoint in containerd's content store tells it; null where it does not. */
export async function readFrozenMs(
  containerd: PrivateContainerd,
  content: ContentDescriptor,
): Promise<number | null> {
  const tar = `ctr --address "$0" --namespace "$1" content get "$2" | tar -x -O "$3" 2>/dev/null | base64 -w 0`;
  const { address, namespace } = containerd;
  const output = await run('sh', ['-c', tar, address, namespace, content.digest, STATS_FILE]);
  return output === '' ? null : parseFrozenMs(Buffer.from(output, 'base64'));
}

/** Standstill as a `stats-dump` file tells it; null where there is no such file. */
export async function readFrozenMsOf(path: string): Promise<number | null> {
  return existsSync(path) ? parseFrozenMs(await readFile(path)) : null;
}

/** DumpStatsEntry.frozen_time of the bytes of a stats file; null where they do not tell. */
export function parseFrozenMs(file: Buffer): number | null {
  if (file.length < HEADER_BYTES + 4) return null;
  const entry = file.subarray(HEADER_BYTES + 4);
  const dump = field(entry, DUMP_ENTRY);
  const micros = dump instanceof Buffer ? field(dump, FROZEN_TIME) : undefined;
  return typeof micros === 'number' ? micros / 1000 : null;
}

/** A field of a protobuf message of varints and length-delimited fields only. */
function field(message: Buffer, wanted: number): number | Buffer | undefined {
  let at = 0;
  while (at < message.length) {
    const [key, afterKey] = varint(message, at);
    const [value, afterValue] = varint(message, afterKey);
    const isBytes = (key & 7) === 2;
    if (key >> 3 === wanted) {
      return isBytes ? message.subarray(afterValue, afterValue + value) : value;
    }
    at = isBytes ? afterValue + value : afterValue;
  }
  return undefined;
}

function varint(message: Buffer, start: number): readonly [number, number] {
  let value = 0;
  let at = start;
  for (let scale = 1; ; scale *= 128) {
    const byte = message[at++] ?? 0;
    value += (byte & 127) * scale;
    if (byte < 128) return [value, at];
  }
}
