// SPDX-License-Identifier: Apache-2.0
import { NO_NUMBER, type Form, type FormParts, type Forms } from '../../common/wire/forms.js';
import { readFormsNatively } from '../../native/forms.js';
import { FormSteps, numberAt } from './form-tools.js';
import {
  FILES_ENUMS,
  FILES_MESSAGES,
  type FdinfoEntry,
  type FdTypes,
  type FileEntry,
  type RegFileEntry,
} from './messages/files.js';
import { NO_OWNER } from './shortcut-tools.js';
import { INET_STEPS, makeInet } from './socket-forms.js';

const NUMBERS: Readonly<Record<FdTypes, number>> = FILES_ENUMS.fd_types;
const WORDS = new Map(Object.entries(NUMBERS).map(([word, number]) => [number, word as FdTypes]));
/** One for all: nobody changes it. */
const NO_BUILD_ID: number[] = [];
const FILE = new FormSteps(FILES_MESSAGES.file_entry);
const REG = new FormSteps(FILES_MESSAGES.reg_file_entry);

const FDINFO: Form<FdinfoEntry> = {
  steps: new FormSteps(FILES_MESSAGES.fdinfo_entry).numbers('id', 'flags', 'type', 'fd'),
  make: (cells, at) => {
    const type = WORDS.get(cells[at + 2] ?? 0);
    return type && { id: cells[at] ?? 0, flags: cells[at + 1] ?? 0, type, fd: cells[at + 3] ?? 0 };
  },
};

/** Regular files with a name and without an owner. */
const REGULAR: Form<FileEntry> = {
  steps: [
    FILE.constant('type', NUMBERS.REG),
    ...FILE.numbers('id'),
    ...FILE.message('reg', [
      ...REG.numbers('id', 'flags', 'pos'),
      REG.noOwner('fown'),
      REG.text('name'),
      ...REG.numbers('mnt_id', 'size', 'mode', 'mvas_ino'),
    ]),
  ],
  make: (cells, at, parts) => {
    return { type: 'REG', id: cells[at] ?? 0, reg: makeRegular(cells, at + 1, parts) };
  },
};

/** Internet sockets without an owner that are in no group. */
const SOCKET: Form<FileEntry> = {
  steps: [
    FILE.constant('type', NUMBERS.INETSK),
    ...FILE.numbers('id'),
    ...FILE.message('isk', INET_STEPS),
  ],
  make: (cells, at, parts) => {
    return { type: 'INETSK', id: cells[at] ?? 0, isk: makeInet(cells, at + 1, parts) };
  },
};

/** Descriptors. */
export const FDINFO_FORMS: Forms<FdinfoEntry> = { forms: [FDINFO], read: readFormsNatively };
/** Open files, most of which are regular files and internet sockets. */
export const FILE_FORMS: Forms<FileEntry> = { forms: [REGULAR, SOCKET], read: readFormsNatively };

function makeRegular(cells: Float64Array, at: number, parts: FormParts): RegFileEntry {
  const name = parts.text(numberAt(cells, at + 3), numberAt(cells, at + 4));
  const entry: RegFileEntry = {
    id: numberAt(cells, at),
    flags: numberAt(cells, at + 1),
    pos: BigInt(numberAt(cells, at + 2)),
    fown: NO_OWNER,
    name,
    build_id: NO_BUILD_ID,
  };
  const [mount, size] = [numberAt(cells, at + 5), numberAt(cells, at + 6)];
  const [mode, inode] = [numberAt(cells, at + 7), numberAt(cells, at + 8)];
  if (mount !== NO_NUMBER) entry.mnt_id = (mount >>> 1) ^ -(mount & 1); // zigzag
  if (size !== NO_NUMBER) entry.size = BigInt(size);
  if (mode !== NO_NUMBER) entry.mode = mode;
  if (inode !== NO_NUMBER) entry.mvas_ino = BigInt(inode);
  return entry;
}
