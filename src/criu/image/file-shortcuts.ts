// SPDX-License-Identifier: Apache-2.0
import { PLAIN, type WireReader } from '../../common/wire/reader.js';
import type { Shortcut } from '../../common/wire/schema.js';
import type { WireWriter } from '../../common/wire/writer.js';
import {
  FILES_ENUMS,
  FILES_MESSAGES,
  type FdinfoEntry,
  type FdTypes,
  type FileEntry,
  type RegFileEntry,
} from './messages/files.js';
import {
  isNoOwner,
  isShort,
  NO_OWNER,
  NO_OWNER_CODED,
  tagsOf,
  writeField,
  writeNoOwner,
} from './shortcut-tools.js';

const FDINFO = tagsOf(FILES_MESSAGES.fdinfo_entry);
const REG = tagsOf(FILES_MESSAGES.reg_file_entry);
const FILE = tagsOf(FILES_MESSAGES.file_entry);
const NUMBERS: Readonly<Record<FdTypes, number>> = FILES_ENUMS.fd_types;
const WORDS = new Map(Object.entries(NUMBERS).map(([word, number]) => [number, word as FdTypes]));
/** One for all: nobody changes it. */
const NO_BUILD_ID: number[] = [];
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
/** Ids of mounts up to this are doubled in their encoding, within 32 bits. */
const MAX_MOUNT = 0x3fff_ffff;

/** Descriptors. */
export const FDINFO_SHORTCUT: Shortcut<FdinfoEntry> = { read: readFdinfo, write: writeFdinfo };
/** Regular files with a name and without an owner. */
export const REG_SHORTCUT: Shortcut<RegFileEntry> = { read: readReg, write: writeReg };
/** The same as open files, which most are. */
export const FILE_SHORTCUT: Shortcut<FileEntry> = { read: readFile, write: writeFile };

function readFdinfo(reader: WireReader): FdinfoEntry | undefined {
  if (!reader.sees(FDINFO.id)) return undefined;
  const id = reader.uint32();
  if (!reader.sees(FDINFO.flags)) return undefined;
  const flags = reader.uint32();
  if (!reader.sees(FDINFO.type)) return undefined;
  const type = WORDS.get(reader.int32());
  if (type === undefined || !reader.sees(FDINFO.fd)) return undefined;
  return { id, flags, type, fd: reader.uint32() };
}

function writeFdinfo(writer: WireWriter, entry: FdinfoEntry): boolean {
  const { id, flags, type, fd, xattr_security_selinux: other } = entry;
  const number = NUMBERS[type] as number | undefined;
  const isUsual = other === undefined && isShort(id) && isShort(flags) && isShort(fd);
  if (!isUsual || number === undefined) return false;
  writeField(writer, FDINFO.id, id);
  writeField(writer, FDINFO.flags, flags);
  writeField(writer, FDINFO.type, number);
  writeField(writer, FDINFO.fd, fd);
  return true;
}

function readReg(reader: WireReader): RegFileEntry | undefined {
  if (!reader.sees(REG.id)) return undefined;
  const id = reader.uint32();
  if (!reader.sees(REG.flags)) return undefined;
  const flags = reader.uint32();
  if (!reader.sees(REG.pos)) return undefined;
  const pos = reader.uint64();
  if (!reader.sees(REG.fown) || !reader.seesBytes(NO_OWNER_CODED)) return undefined;
  if (!reader.sees(REG.name)) return undefined;
  const name = reader.plain();
  if (name === undefined) return undefined;
  const entry: RegFileEntry = { id, flags, pos, fown: NO_OWNER, name, build_id: NO_BUILD_ID };
  if (reader.sees(REG.mnt_id)) entry.mnt_id = reader.sint32();
  if (reader.sees(REG.size)) entry.size = reader.uint64();
  if (reader.sees(REG.mode)) entry.mode = reader.uint32();
  if (reader.sees(REG.mvas_ino)) entry.mvas_ino = reader.uint64();
  return entry;
}

function writeReg(writer: WireWriter, entry: RegFileEntry): boolean {
  if (!isUsual(entry)) return false;
  writeUsual(writer, entry);
  return true;
}

function writeUsual(writer: WireWriter, entry: RegFileEntry): void {
  const { id, flags, pos, name, mnt_id: mount, size, mode, mvas_ino: inode } = entry;
  writeField(writer, REG.id, id);
  writeField(writer, REG.flags, flags);
  writeLong(writer, REG.pos, pos);
  writeNoOwner(writer, REG.fown);
  writer.varint(REG.name);
  writer.plain(name);
  if (mount !== undefined) writeField(writer, REG.mnt_id, mount * 2);
  if (size !== undefined) writeLong(writer, REG.size, size);
  if (mode !== undefined) writeField(writer, REG.mode, mode);
  if (inode !== undefined) writeLong(writer, REG.mvas_ino, inode);
}

function readFile(reader: WireReader): FileEntry | undefined {
  if (!reader.sees(FILE.type) || !reader.sees(NUMBERS.REG)) return undefined;
  if (!reader.sees(FILE.id)) return undefined;
  const id = reader.uint32();
  if (!reader.sees(FILE.reg)) return undefined;
  const outer = reader.enter(reader.uint32());
  const reg = readReg(reader);
  const isAll = reader.done;
  reader.leave(outer);
  return reg && isAll ? { type: 'REG', id, reg } : undefined;
}

function writeFile(writer: WireWriter, entry: FileEntry): boolean {
  const { type, id, reg } = entry;
  if (type !== 'REG' || !reg || !isShort(id) || hasMore(entry) || !isUsual(reg)) return false;
  writeField(writer, FILE.type, NUMBERS.REG);
  writeField(writer, FILE.id, id);
  writer.varint(FILE.reg);
  const start = writer.length;
  writeUsual(writer, reg);
  writer.prefix(start);
  return true;
}

/** Whether an open file has other fields than those of a regular one. */
function hasMore(entry: FileEntry): boolean {
  for (const name in entry) {
    const isOther = name !== 'type' && name !== 'id' && name !== 'reg';
    if (isOther && entry[name as keyof FileEntry] !== undefined) return true;
  }
  return false;
}

function isUsual(entry: RegFileEntry): boolean {
  return hasUsualFields(entry) && isNoOwner(entry.fown) && haveRoom(entry);
}

function hasUsualFields(entry: RegFileEntry): boolean {
  const { ext, checksum, checksum_config: config, checksum_parameter: parameter } = entry;
  const others = ext ?? checksum ?? config ?? parameter;
  return others === undefined && entry.build_id.length === 0 && PLAIN.test(entry.name);
}

/** Whether numbers are written as they are. */
function haveRoom(entry: RegFileEntry): boolean {
  const { mnt_id = 0, size = 0n, mode = 0, mvas_ino = 0n } = entry;
  const areShort = isShort(entry.id) && isShort(entry.flags) && isShort(mode);
  const isMount = isShort(mnt_id) && mnt_id <= MAX_MOUNT;
  return areShort && isMount && isSafe(entry.pos) && isSafe(size) && isSafe(mvas_ino);
}

function isSafe(value: bigint): boolean {
  return value >= 0n && value <= MAX_SAFE;
}

function writeLong(writer: WireWriter, tag: number, value: bigint): void {
  writer.varint(tag);
  writer.varint64(value);
}
