// SPDX-License-Identifier: Apache-2.0
import type { BigIntStats } from 'node:fs';
import type { NsTid } from '../../../common/ids.js';
import type { BodyField, BodyOf } from '../../image/entry-kind.js';
import type { Slot } from '../../plan/values.js';
import type { MappedArea } from '../../memory/memory-map.js';
import type { TracedProcess } from '../../tracee/tracee.js';
import type { DumpContext } from './dump-context.js';
import type { IndexedKind } from './image-index.js';
import type { OpenFile } from './open-file.js';
import type { PathFile } from './path-file.js';
import type { PlanContext } from './plan-context.js';
import type { TablePlan } from './table-plan.js';

/** A shared mapping of a process that stands still. */
export interface FileMapping extends Pick<MappedArea, 'start' | 'end' | 'kind' | 'offset'> {
  readonly process: TracedProcess;
}

/** What a kind recognizes its files by. */
export interface FoundFile {
  /** A descriptor of our own on it. */
  readonly own: number;
  readonly stat: BigIntStats;
  /** O_* flags. */
  readonly flags: number;
  /** What its link of /proc refers to. */
  readonly link: string;
}

/** What an image has of a file, and the number of its descriptor while files are opened. */
export interface StagedFile<F extends BodyField = BodyField> {
  readonly body: BodyOf<F>;
  readonly number: number;
}

/**
 * Everything about a kind of files: how a checkpoint recognizes and describes one, what an image may say about it,
 * and how a restore opens it. Kinds know neither the checkpoint nor the restore, only the context that each gives
 * them. What a kind keeps between calls is in an object that the context creates for it (`shared`).
 */
export interface FileKind<F extends BodyField = BodyField> extends IndexedKind<F> {
  /** Whether an open file is of this kind. The first kind of the list that claims it has it. */
  claims(file: FoundFile): boolean;
  /** Called before anything is dumped: finds open files that no descriptor table has (`context.open`). */
  explore?(context: DumpContext): void;
  /** Describes an open file; undefined if it refused the file. */
  dump(context: DumpContext, file: OpenFile): BodyOf<F> | undefined;
  /** Called after {@link dump} of all files, even if none is of the kind: dumps what they have in common. */
  dumpRest?(context: DumpContext, files: readonly OpenFile[]): void;
  /** Called for each mapping of an open file that has no path; whether it can be restored. */
  dumpMapping?(context: DumpContext, file: OpenFile, mapping: FileMapping): boolean;
  /** Called once all mappings are known. */
  dumpMapped?(context: DumpContext): void;
  /** The id of the entry for a file behind a mapping or a directory; adds the entry unless there is one. */
  dumpPath?(context: DumpContext, file: PathFile): number;

  /** Opens those that can be opened at once, before any {@link open}, which passes over them. */
  openMany?(plan: PlanContext, files: readonly StagedFile<F>[]): void;
  /** Opens a file under a number; in PID 1 before it forks. */
  open?(plan: PlanContext, body: BodyOf<F>, number: number): void;
  /** The same for kinds whose files are created together, after all {@link open}. */
  openAll?(plan: PlanContext, files: readonly StagedFile<F>[]): void;
  /** Opens a file that cannot be opened early into a slot; in a process that has it. */
  openLater?(table: TablePlan, body: BodyOf<F>, slot: Slot): void;
  /** Called before descriptors get their numbers; in a process that has all staged ones. */
  beforePlace?(table: TablePlan): void;
  /** Called once all descriptors except those of late files have their numbers. */
  afterPlace?(table: TablePlan): void;
  /**
   * Called for each thread, once all descriptors except those of late files have their numbers, and before the drop of
   * privileges. The table is that of its process, which need not act for it.
   */
  inThread?(table: TablePlan, nsTid: NsTid): void;
  /** Called once all descriptors have their numbers, after the drop of privileges. */
  afterDrop?(table: TablePlan): void;
  /** The same for each file, once, in a process that has it as `fd`; before its owner is set. */
  finish?(table: TablePlan, body: BodyOf<F>, fd: number): void;
}
