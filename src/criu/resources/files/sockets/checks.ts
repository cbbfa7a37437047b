// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../common/errors.js';
import type { SkOptsEntry } from '../../../image/types.js';

/** The kernel's list is far shorter; values are ints, a name of a congestion control, or a filter of ICMPv6. */
const MAX_OPTIONS = 256;
const MAX_VALUE = 32;
/** Instructions of a classic filter (BPF_MAXINSNS, linux/bpf_common.h). */
const MAX_FILTER = 4096;
/** What chown(2) takes for nobody. */
const NOBODY = 0xffffffff;

/** Checks what sockets of all families have. Throws ShimError `dataLoss`. */
export function checkSocketOptions(options: SkOptsEntry, what: string): void {
  const { mvas_uid: uid, mvas_gid: gid, mvas_options: others } = options;
  if (others.length > MAX_OPTIONS || others.some(({ value }) => value.length > MAX_VALUE)) {
    badImage(`${what}: its socket has too many options`);
  }
  if (options.so_filter.length > MAX_FILTER) badImage(`${what}: its socket has too long a filter`);
  if (uid === NOBODY || gid === NOBODY) badImage(`${what}: its socket has an impossible owner`);
}
