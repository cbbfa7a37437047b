// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import type { CheckedFiles } from '../../../../image/entry-kind.js';
import type { TtyFileEntry } from '../../../../image/types.js';
import { O, S_IF } from '../../../../../native/abi/index.js';
import type { FileKind } from '../../kind.js';
import { checkContent } from './content.js';
import { TerminalDumper } from './dump.js';
import { TerminalPlan } from './plan.js';
import { terminalEnd } from './terminal.js';

/** Pseudo terminals. Each open file on one goes with an entry of its path. */
export const TERMINAL: FileKind<'tty'> = {
  type: 'TTY',
  body: 'tty',
  claims: ({ link, flags, stat }) =>
    link.startsWith('/') &&
    !(flags & O.path) &&
    terminalEnd(Number(stat.mode) & S_IF.mask, Number(stat.rdev)) !== undefined,
  dump: (context, file) => context.shared(TerminalDumper).dump(file),
  dumpRest(context) {
    context.shared(TerminalDumper).finish();
  },
  check({ regf_id: name }, files, what) {
    if (name !== undefined) files.need(name, ['REG'], what);
  },
  checkAll,
  nameOf: ({ regf_id: id }) => id,
  openAll(plan, files) {
    plan.shared(TerminalPlan).planOpen(plan.stage, files);
  },
};

function checkAll(files: readonly TtyFileEntry[], { image }: CheckedFiles): void {
  const terminals = new Set(image.ttys.map(({ id }) => id));
  for (const { id, tty_info_id: terminal } of files) {
    if (!terminals.has(terminal)) badImage(`check file ${String(id)}: its terminal does not exist`);
  }
  checkContent(image.ttyData, image.ttys);
}
