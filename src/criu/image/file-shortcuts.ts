// SPDX-License-Identifier: Apache-2.0
import { PLAIN } from '../../common/wire/reader.js';
import type { PartWriter, Shortcut } from '../../common/wire/schema.js';
import type { WireWriter } from '../../common/wire/writer.js';
import {
  FILES_ENUMS,
  FILES_MESSAGES,
  type FdinfoEntry,
  type FdTypes,
  type FileEntry,
  type RegFileEntry,
} from './messages/files.js';
import { isNoOwner, isShort, tagsOf, writeField, writeNoOwner } from './shortcut-tools.js';

const FDINFO = tagsOf(FILES_MESSAGES.fdinfo_entry);
const REG = tagsOf(FILES_MESSAGES.reg_file_entry);
const FILE = tagsOf(FILES_MESSAGES.file_entry);
const NUMBERS: Readonly<Record<FdTypes, number>> = FILES_ENUMS.fd_types;
const SOCKET = 'inet_sk_entry';
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
/** Ids of mounts up to this are doubled in their encoding, within 32 bits. */
const MAX_MOUNT = 0x3fff_ffff;

/** Descriptors. */
export const FDINFO_SHORTCUT: Shortcut<FdinfoEntry> = { write: writeFdinfo };
/** Regular files with a name and without an owner. */
export const REG_SHORTCUT: Shortcut<RegFileEntry> = { write: writeReg };
/** The same as open files, which most are, and internet sockets. */
export const FILE_SHORTCUT: Shortcut<FileEntry> = { write: writeFile };

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

function writeFile(writer: WireWriter, entry: FileEntry, parts: PartWriter): boolean {
  const { type, id } = entry;
  if (!isShort(id)) return false;
  if (type === 'INETSK') return writeSocketFile(writer, entry, parts);
  return type === 'REG' && writeRegFile(writer, entry);
}

function writeSocketFile(writer: WireWriter, entry: FileEntry, parts: PartWriter): boolean {
  const { id, isk } = entry;
  if (!isk || hasMore(entry, 'isk')) return false;
  writeField(writer, FILE.type, NUMBERS.INETSK);
  writeField(writer, FILE.id, id);
  writer.varint(FILE.isk);
  parts.writePart(SOCKET, isk);
  return true;
}

function writeRegFile(writer: WireWriter, entry: FileEntry): boolean {
  const { id, reg } = entry;
  if (!reg || hasMore(entry, 'reg') || !isUsual(reg)) return false;
  writeField(writer, FILE.type, NUMBERS.REG);
  writeField(writer, FILE.id, id);
  writer.varint(FILE.reg);
  const start = writer.length;
  writeUsual(writer, reg);
  writer.prefix(start);
  return true;
}

/** Whether an open file has other fields than the body of its kind. */
function hasMore(entry: FileEntry, body: 'reg' | 'isk'): boolean {
  for (const name in entry) {
    const isOther = name !== 'type' && name !== 'id' && name !== body;
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
