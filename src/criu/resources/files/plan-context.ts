// SPDX-License-Identifier: Apache-2.0
import type { NsPid } from '../../../common/ids.js';
import { assertInvariant, badImage } from '../../../common/errors.js';
import type { PlanBuilder } from '../../plan/builder.js';
import type { Slot } from '../../plan/values.js';
import type { Sequence } from '../../plan/sequence.js';
import type { ImageIndex } from './image-index.js';
import type { MountFacts } from './names/mount-facts.js';
import type { ScratchNames } from './names/scratch-names.js';
import { Stage } from './stage.js';

/** New stdio: slots of descriptors, or null for the console, or for /dev/null if there is none. */
export type StdioSlots = readonly [Slot | null, Slot | null, Slot | null];

/** What the check of opened files needs besides the image. */
export interface LookOptions {
  /** The name of a process in messages. */
  readonly label: (nsPid: NsPid) => string;
  /** Files that are executed or mapped privately, by id, and by which process: these must be the very same. */
  readonly exact: ReadonlyMap<number, string>;
}

/** What a plan of files needs to know about the new container. */
export interface FilePlanOptions {
  readonly stdio: StdioSlots;
  /** Whether it has a terminal: /dev/console. */
  readonly hasConsole: boolean;
  /** Whether threads need the root, which has the number of the stage's base, until the drop of privileges. */
  readonly keepsRoot?: boolean;
  /** Whether it shares its IPC namespace. */
  readonly sharesIpc?: boolean;
  /** Files whose TCP connection is to be ended although the checkpoint has both ends. */
  readonly severed?: ReadonlySet<number>;
  /** TCP sockets that are taken from a process: its pidfd, and its descriptors by file id. */
  readonly held?: { readonly slot: Slot; readonly files: ReadonlyMap<number, number> } | undefined;
  /** The container's init, by which early files are opened; PID 1 by default. */
  readonly root?: NsPid;
  /** A pid that no process, thread, group or session of the image has. */
  readonly sparePid: NsPid;
  /** Mounts of the new container as its PID 1 sees them. */
  readonly mounts: MountFacts;
  readonly names: ScratchNames;
  /** See {@link Stage}. */
  readonly mostBuffer?: number | undefined;
  /** Where a ring can be mapped for a moment, in PID 1. */
  readonly ringPlace?: bigint;
  /** The most events that wait in a new inotify instance (`fs.inotify.max_queued_events`). */
  readonly queuedEvents: number;
  readonly look?: LookOptions;
}

/** What the plans of all kinds share. */
export class PlanContext {
  readonly builder: PlanBuilder;
  readonly index: ImageIndex;
  readonly options: FilePlanOptions;
  /** Numbers of the files that are opened early. */
  readonly numbers = new Map<number, number>();
  readonly #shared = new Map<unknown, unknown>();
  readonly #closers: (() => void)[] = [];
  #stage: Stage | undefined;

  constructor(builder: PlanBuilder, index: ImageIndex, options: FilePlanOptions) {
    this.builder = builder;
    this.index = index;
    this.options = options;
  }

  /** Files are opened from now on, in PID 1. */
  begin(root: Sequence): Stage {
    const { names, mostBuffer } = this.options;
    const { base } = this.index;
    return (this.#stage = new Stage(this.builder, root, { base, names, mostBuffer }));
  }

  /** The stage as another sequence sees it, whose process has everything that was opened. */
  stageIn(sequence: Sequence): Stage {
    const { names, mostBuffer } = this.options;
    return new Stage(this.builder, sequence, { base: this.stage.end, names, mostBuffer });
  }

  /** Where files are opened; only after that has begun. */
  get stage(): Stage {
    assertInvariant(this.#stage !== undefined, 'the stage is there once files are opened');
    return this.#stage;
  }

  /** The number of a staged file. Throws ShimError `dataLoss` for one that is opened later. */
  staged(fileId: number): number {
    this.index.file(fileId);
    return this.numbers.get(fileId) ?? badImage(`file ${String(fileId)} cannot be mapped`);
  }

  /** The number that an early file is opened under. Throws ShimError `dataLoss` for others. */
  number(id: number): number {
    return this.numbers.get(id) ?? badImage(`file ${String(id)} cannot be opened early`);
  }

  /** This plan's only object of a class, created at its first use. */
  shared<T>(Class: new (context: PlanContext) => T): T {
    const known = this.#shared.get(Class) as T | undefined;
    if (known !== undefined) return known;
    const made = new Class(this);
    this.#shared.set(Class, made);
    return made;
  }

  /** Registers something to be closed once all files are open, in reverse order. */
  atEnd(close: () => void): void {
    this.#closers.push(close);
  }

  /** All files are open. */
  end(): void {
    for (const close of this.#closers.splice(0).reverse()) close();
  }
}
