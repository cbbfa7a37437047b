// SPDX-License-Identifier: Apache-2.0
import { parseFdinfo } from '../../../../src/criu/procfs/fdinfo.js';
import type { ProcText } from '../../../../src/common/procfs/line.js';
import { epollTargets } from '../../../../src/criu/resources/files/kinds/epoll.js';
import { eventfdState } from '../../../../src/criu/resources/files/kinds/eventfd.js';
import { inotifyWatches } from '../../../../src/criu/resources/files/kinds/inotify/index.js';
import { pidfdProcess } from '../../../../src/criu/resources/files/kinds/pidfd.js';
import { signalfdMask } from '../../../../src/criu/resources/files/kinds/signalfd.js';
import { timerfdState } from '../../../../src/criu/resources/files/kinds/timerfd.js';

/** Parses an fdinfo file, and everything that any kind of open file reads in it. */
export function parseWholeFdinfo(content: ProcText): unknown {
  const info = parseFdinfo(content);
  const readers = [epollTargets, eventfdState, inotifyWatches, pidfdProcess, signalfdMask];
  return [...readers, timerfdState].map((read) => read(info));
}
