// SPDX-License-Identifier: Apache-2.0
import { WIRE, type WireReader } from '../../common/wire/reader.js';
import type { Shortcut } from '../../common/wire/schema.js';
import type { WireWriter } from '../../common/wire/writer.js';
import { MM_MESSAGES, type VmaEntry } from './messages/mm.js';

const START = tagOf('start');
const END = tagOf('end');
const PGOFF = tagOf('pgoff');
const SHMID = tagOf('shmid');
const PROT = tagOf('prot');
const FLAGS = tagOf('flags');
const STATUS = tagOf('status');
const FD = tagOf('fd');
const MADV = tagOf('madv');
const PARK = tagOf('mvas_park');
/** One for all entries: nobody changes it. */
const NO_RUNS: bigint[] = [];
const NO_FILE = -1n;
/** That as a zigzag varint. */
const NO_FILE_CODED = 1;
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** Entries of mappings without names and runs of pages: a process may have tens of thousands of them. */
export const VMA_SHORTCUT: Shortcut<VmaEntry> = { read, write };

function read(reader: WireReader): VmaEntry | undefined {
  if (!reader.sees(START)) return undefined;
  const start = reader.uint64();
  if (!reader.sees(END)) return undefined;
  const end = reader.uint64();
  if (!reader.sees(PGOFF)) return undefined;
  const pgoff = reader.uint64();
  if (!reader.sees(SHMID)) return undefined;
  const shmid = reader.uint64();
  if (!reader.sees(PROT)) return undefined;
  const prot = reader.uint32();
  if (!reader.sees(FLAGS)) return undefined;
  const flags = reader.uint32();
  if (!reader.sees(STATUS)) return undefined;
  const status = reader.uint32();
  if (!reader.sees(FD) || !reader.sees(NO_FILE_CODED)) return undefined;
  const fd = NO_FILE;
  const mvas_runs = NO_RUNS;
  const vma: VmaEntry = { start, end, pgoff, shmid, prot, flags, status, fd, mvas_runs };
  if (reader.sees(MADV)) vma.madv = reader.uint64();
  if (reader.sees(PARK)) vma.mvas_park = reader.uint64();
  return vma;
}

function write(writer: WireWriter, vma: VmaEntry): boolean {
  const { start, end, pgoff, shmid, prot, flags, status, madv, mvas_park: park } = vma;
  if (!isUsual(vma)) return false;
  writeField(writer, START, start);
  writeField(writer, END, end);
  writeField(writer, PGOFF, pgoff);
  writeField(writer, SHMID, shmid);
  writer.varint(PROT);
  writer.varint(prot);
  writer.varint(FLAGS);
  writer.varint(flags);
  writer.varint(STATUS);
  writer.varint(status);
  writer.varint(FD);
  writer.varint(NO_FILE_CODED);
  if (madv !== undefined) writeField(writer, MADV, madv);
  if (park !== undefined) writeField(writer, PARK, park);
  return true;
}

function writeField(writer: WireWriter, tag: number, value: bigint): void {
  writer.varint(tag);
  writer.varint64(value);
}

function isUsual(vma: VmaEntry): boolean {
  return vma.mvas_runs.length === 0 && hasNoOthers(vma) && haveRoom(vma);
}

function hasNoOthers({ fd, fdflags, mvas_name, mvas_size, mvas_heritage }: VmaEntry): boolean {
  const others = fdflags ?? mvas_name ?? mvas_size ?? mvas_heritage;
  return fd === NO_FILE && others === undefined;
}

/** Whether numbers are written as they are. */
function haveRoom(vma: VmaEntry): boolean {
  const { prot, flags, status, madv = 0n, mvas_park: park = 0n } = vma;
  const areShort = prot >>> 0 === prot && flags >>> 0 === flags && status >>> 0 === status;
  const areSafe = isSafe(vma.start) && isSafe(vma.end) && isSafe(vma.pgoff) && isSafe(vma.shmid);
  return areShort && areSafe && isSafe(madv) && isSafe(park);
}

function isSafe(value: bigint): boolean {
  return value >= 0n && value <= MAX_SAFE;
}

function tagOf(name: keyof VmaEntry): number {
  const [, number = 0] = MM_MESSAGES.vma_entry.find(([field]) => field === name) ?? [];
  return number * 8 + WIRE.varint;
}
