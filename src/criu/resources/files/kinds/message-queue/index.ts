// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import { O, S_IF } from '../../../../../native/abi/index.js';
import { syscall } from '../../../../../native/index.js';
import { SYS } from '../../../../../native/sys.js';
import type { FileKind, FoundFile } from '../../kind.js';
import { checkQueues } from './check.js';
import { MessageQueues } from './dump.js';
import { openQueues } from './plan.js';

/** What every queue has as its size (FILENT_SIZE, ipc/mqueue.c), and the magic of their file system. */
const QUEUE_SIZE = 80n;
const MQUEUE_MAGIC = 0x19800202n;

/** POSIX message queues, open or not, with their messages. */
export const MESSAGE_QUEUE: FileKind<'mvas_mqueue'> = {
  type: 'MVAS_MQUEUE',
  body: 'mvas_mqueue',
  claims,
  dump: (context, file) => context.shared(MessageQueues).dump(file),
  dumpRest(context) {
    context.shared(MessageQueues).finish();
  },
  check({ flags }, _files, what) {
    if (flags & O.path) badImage(`${what}: a queue is not opened by O_PATH`);
  },
  checkAll: checkQueues,
  openAll: openQueues,
};

function claims({ own, stat, flags }: FoundFile): boolean {
  const isFile = (Number(stat.mode) & S_IF.mask) === S_IF.reg && stat.size === QUEUE_SIZE;
  if (!isFile || flags & O.path) return false;
  const statfs = new BigUint64Array(15);
  return syscall(SYS.fstatfs, own, statfs) === 0 && statfs[0] === MQUEUE_MAGIC;
}
