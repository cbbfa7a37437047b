// SPDX-License-Identifier: Apache-2.0
import type { FileKind } from '../../kind.js';
import { pathFileOf } from '../../path-file.js';
import { dumpRegular } from './dump.js';
import { open, openLater, openMany } from './plan.js';

/**
 * Everything that has a path: regular files, directories, harmless devices, O_PATH files of every type, and the
 * paths of FIFOs and terminals. Kinds with files that have a path of their own come before it in the list.
 */
export const REGULAR: FileKind<'reg'> = {
  type: 'REG',
  body: 'reg',
  isMappable: true,
  claims: ({ link }) => link.startsWith('/'),
  dump: (context, file) => dumpRegular(context, pathFileOf(context, file), file.id),
  dumpPath(context, file) {
    const id = context.nextId();
    const reg = dumpRegular(context, file, id);
    if (reg) context.add({ id, type: 'REG', reg });
    return id;
  },
  time: (entry, index) => (index.isLate(entry) ? 'late' : 'early'),
  openMany,
  open,
  openLater,
};
