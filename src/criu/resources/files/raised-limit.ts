// SPDX-License-Identifier: Apache-2.0
import { SYS } from '../../../native/sys.js';
import type { PlanBuilder } from '../../plan/builder.js';
import { PlanPointer } from '../../plan/values.js';
import type { Sequence } from '../../plan/sequence.js';

/** Limits that what is restored may need (asm-generic/resource.h). */
export const RLIMIT = { nofile: 7, msgqueue: 12 } as const;

/** Raises a soft limit to the hard one, whatever that is; children inherit it. */
export function planRaisedLimit(
  { builder, sequence }: { readonly builder: PlanBuilder; readonly sequence: Sequence },
  what: string,
  resource: number,
): void {
  const limit = builder.reserve(16);
  sequence.syscall(what, SYS.prlimit64, [0, resource, null, limit]);
  sequence.copy(what, limit, new PlanPointer(limit, 8), 8);
  sequence.syscall(what, SYS.prlimit64, [0, resource, limit, null]);
}
