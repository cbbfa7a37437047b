// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asNsPid } from '../../../../../src/common/ids.js';
import { ShimError } from '../../../../../src/common/errors.js';
import {
  emptyFilesImage,
  FilePlan,
  ScratchNames,
  mountFacts,
} from '../../../../../src/criu/resources/files/index.js';
import { PlanBuilder } from '../../../../../src/criu/plan/builder.js';
import { NO_OWNER } from '../../../../../src/criu/restore/rehearsal/sample-image.js';
import { asValid } from '../../../../helpers/valid.js';

/** Plans inotify instances with unread events on a host with a length of queues; what the plan reads, in bytes. */
function planInstances(count: number, queuedEvents: number): number {
  const image = emptyFilesImage();
  for (let id = 1; id <= count; id++) {
    const ify = { id, flags: 0, fown: NO_OWNER, wd: [], mvas_overflow: true };
    image.files.push({ id, type: 'INOTIFY', ify });
  }
  const builder = new PlanBuilder();
  const root = builder.sequence('root');
  const mounts = mountFacts([]);
  const options = { sparePid: asNsPid(2), stdio: [null, null, null], mounts } as const;
  new FilePlan(builder, asValid(image), {
    ...options,
    queuedEvents,
    hasConsole: false,
    names: new ScratchNames(''),
  }).planOpen(root);
  const reads = root.operations.filter(({ what }) => what.endsWith('read events'));
  return reads.reduce((sum, { args }) => sum + Number(args[2]), 0);
}

test('as many events are read as lie before the overflow', (t) => {
  for (const length of [0, 1, 4096, 4097, 16_384]) t.is(planInstances(1, length), length * 16);
});

test('queues that are too long are refused', (t) => {
  t.notThrows(() => planInstances(64, 16_384));
  for (const [count, length] of [
    [65, 16_384],
    [1, 0x7fffffff],
  ] as const) {
    const error = t.throws(() => planInstances(count, length), { instanceOf: ShimError });
    t.is(error.kind, 'failedPrecondition');
    t.regex(error.message, /IN_Q_OVERFLOW.*; remedy: try again/);
  }
});
