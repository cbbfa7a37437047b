// SPDX-License-Identifier: Apache-2.0
import type { DumpContext } from './dump-context.js';
import { anonymousName } from './kinds/anonymous.js';
import { opensLate } from './names/container-path.js';
import type { OpenFile } from './open-file.js';

/** Whether a file can be opened only once processes exist, or after the drop of privileges. */
export function opensLater({ mounts }: DumpContext, file: OpenFile): boolean {
  const mount = mounts.get(file.info.mountId);
  const isLate = file.link.startsWith('/') && mount !== undefined && opensLate(mount);
  return isLate || anonymousName(file) === 'pidfd';
}
