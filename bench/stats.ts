// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PrivateContainerd } from '../test/helpers/containerd.js';
import { vasRoot } from '../test/helpers/containerd-cleanup.js';
import { run } from '../test/helpers/run.js';
import type { ContentDescriptor } from '../test/helpers/tasks-client.js';

/** Name of the statistics in a checkpoint of CRIU, in its own format. */
const STATS_FILE = 'stats-dump';
const HEADER_BYTES = 8; // IMG_SERVICE_MAGIC, STATS_MAGIC (criu/include/magic.h)
const DUMP_ENTRY = 1; // StatsEntry.dump (images/stats.proto)
const FROZEN_TIME = 2; // DumpStatsEntry.frozen_time, microseconds
/** Both the file of a checkpoint that names its VAS, and the record of that VAS. */
const VAS_FILE = 'vas.json';

/**
 * Standstill of a checkpoint in containerd's content store as the engine reports it: mvas in the record of
 * the checkpoint's VAS, CRIU in a file of its own. Null if neither does.
 */
export async function readFrozenMs(
  containerd: PrivateContainerd,
  content: ContentDescriptor,
): Promise<number | null> {
  const reference = await fileOf(containerd, content, VAS_FILE);
  if (reference.length > 0) {
    const { vasId } = JSON.parse(reference.toString()) as { readonly vasId: string };
    const record = await readFile(join(vasRoot(containerd), vasId, VAS_FILE), 'utf8');
    return (JSON.parse(record) as { readonly frozenMs?: number }).frozenMs ?? null;
  }
  return parseFrozenMs(await fileOf(containerd, content, STATS_FILE));
}

/** Bytes of a file in a checkpoint in the content store; none if there is no such file. */
async function fileOf(
  { address, namespace }: PrivateContainerd,
  { digest }: ContentDescriptor,
  name: string,
): Promise<Buffer> {
  const script = `ctr --address "$0" --namespace "$1" content get "$2" | tar -x -O "$3" 2>/dev/null | base64 -w 0`;
  const output = await run('sh', ['-c', script, address, namespace, digest, name]);
  return Buffer.from(output, 'base64');
}

/** Standstill as a `stats-dump` file reports it; null if there is no such file. */
export async function readFrozenMsOf(path: string): Promise<number | null> {
  return existsSync(path) ? parseFrozenMs(await readFile(path)) : null;
}

/** DumpStatsEntry.frozen_time in the bytes of a stats file; null if it is not there. */
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
