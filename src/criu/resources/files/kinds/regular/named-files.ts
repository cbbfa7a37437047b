// SPDX-License-Identifier: Apache-2.0
import { O, S_IF } from '../../../../../native/abi/index.js';
import type { RegFileEntry } from '../../../../image/types.js';
import { RowAddress, RowWord } from '../../../../plan/row.js';
import type { PlanData } from '../../../../plan/values.js';
import type { StagedFile } from '../../kind.js';
import { checkPath } from '../../names/path.js';
import { openFlags } from '../../open-flags.js';
import type { PlanContext } from '../../plan-context.js';
import { OpenedFiles } from './opened-files.js';
import { seek, wordsOf } from './position.js';
import { FIELD, ROW_SIZE } from './stat-row.js';

const WORD = 4;

type Regular = StagedFile<'reg'>;

/**
 * Opens files by their names. A program may have thousands of them: those that are opened with the same flags are rows
 * of one table.
 */
export function openNamed(plan: PlanContext, files: readonly Regular[]): void {
  const alike = new Map<number, Regular[]>();
  for (const file of files) {
    const { body } = file;
    checkPath(body.id, body.name);
    const key = openFlags(body) * 2 + Number(hasLook(body));
    const known = alike.get(key);
    if (known) known.push(file);
    else alike.set(key, [file]);
  }
  for (const some of alike.values()) openAlike(plan, some);
  for (const { body, number } of files) seek(plan.stage, body, number);
}

function openAlike(plan: PlanContext, files: readonly Regular[]): void {
  const { stage } = plan;
  const opened = plan.shared(OpenedFiles);
  const [first] = files;
  if (!first) return;
  const data = rowsOf(plan, files);
  const isLookedAt = hasLook(first.body);
  if (isLookedAt) opened.expect(data, files);
  const body = stage.builder.sequence('');
  stage.withSequence(body).openBy(openFlags(first.body), {
    path: new RowWord(FIELD.path),
    number: new RowWord(FIELD.number),
    stat: isLookedAt ? new RowAddress(FIELD.stat) : null,
  });
  body.end();
  const entryOf = (row: number): RegFileEntry => files[row]?.body ?? first.body;
  const table = {
    ...{ data, width: ROW_SIZE, what: (row: number) => `open ${wordsOf(entryOf(row))}` },
    explain: (row: number, result: bigint) => opened.explain(entryOf(row), result),
  };
  stage.sequence.each(table, body);
}

function rowsOf({ stage }: PlanContext, files: readonly Regular[]): PlanData {
  const words = new Uint32Array((files.length * ROW_SIZE) / WORD);
  const data = stage.builder.data(new Uint8Array(words.buffer));
  let at = 0;
  for (const { body, number } of files) {
    stage.builder.link(data, at + FIELD.path, stage.path(body.name));
    words[(at + FIELD.number) / WORD] = number;
    at += ROW_SIZE;
  }
  return data;
}

/** Whether a file is checked once it is open. */
function hasLook({ mode = 0, flags }: RegFileEntry): boolean {
  return (mode & S_IF.mask) === S_IF.reg && (flags & O.path) === 0;
}
