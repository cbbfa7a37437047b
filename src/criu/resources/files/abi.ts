// SPDX-License-Identifier: Apache-2.0
import { O } from '../../../native/abi/index.js';

export {
  AF,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  F,
  IOCTL,
  KCMP,
  O,
  POLL,
  RESOLVE,
  S_IF,
  SEEK,
  SOCK,
} from '../../../native/abi/index.js';

/** Flags that fcntl(F_SETFL) can change. */
export const SETTABLE = O.append | O.nonblock | O.direct | O.noatime;

/** Flags that stay with an open file and can be given to open(2) again. */
export const REOPENABLE =
  O.accessMode | SETTABLE | O.dsync | O.sync | O.largefile | O.nofollow | O.path;
