// SPDX-License-Identifier: Apache-2.0
import type { NsPid } from '../../../common/ids.js';
import { badImage } from '../../../common/errors.js';
import type { FdinfoEntry } from '../../image/types.js';
import type { PlanBuilder } from '../../plan/builder.js';
import type { Sequence } from '../../plan/sequence.js';
import type { ImageIndex } from './image-index.js';
import type { PlanContext } from './plan-context.js';

/** What kinds see of a process that acts for a descriptor table. */
export class TablePlan {
  readonly plan: PlanContext;
  readonly nsPid: NsPid;
  readonly sequence: Sequence;
  readonly descriptors: readonly FdinfoEntry[];
  /** Made when it is first needed: few kinds ask. */
  #places: ReadonlyMap<number, number> | undefined;

  constructor(
    plan: PlanContext,
    { nsPid, sequence }: { readonly nsPid: NsPid; readonly sequence: Sequence },
    descriptors: readonly FdinfoEntry[],
  ) {
    this.plan = plan;
    this.nsPid = nsPid;
    this.sequence = sequence;
    this.descriptors = descriptors;
  }

  get builder(): PlanBuilder {
    return this.plan.builder;
  }

  get index(): ImageIndex {
    return this.plan.index;
  }

  /** Whether this process is the one that does what has to be done once for an open file. */
  actsFor(fileId: number): boolean {
    return this.index.actsFor(this.nsPid, fileId);
  }

  /** The file that a descriptor of this table refers to. */
  fileAt(fd: number): number | undefined {
    this.#places ??= new Map(this.descriptors.map((one) => [one.fd, one.id]));
    return this.#places.get(fd);
  }

  /** A descriptor of this table on a file. Throws ShimError `dataLoss` if there is none. */
  descriptorOf(fileId: number): number {
    const place = this.descriptors.find(({ id }) => id === fileId);
    return place?.fd ?? badImage(`file ${String(fileId)} has no descriptor`);
  }
}
