// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asNsPid, asNsTid, INIT, ownPid } from '../../../../src/common/ids.js';
import { PlanBuilder } from '../../../../src/criu/plan/builder.js';
import { AttributePlan } from '../../../../src/criu/resources/attributes.js';
import { auditThread } from '../../../../src/criu/resources/attributes/audit.js';
import {
  liveLabels,
  plainLabel,
  type Label,
} from '../../../../src/criu/resources/attributes/labels.js';
import { SAMPLE_HOST, sampleCore, sampleCreds } from './samples.js';
import { asValid } from '../../../helpers/valid.js';

const SPEC = {
  apparmorProfile: 'docker-default',
  selinuxLabel: 'system_u:system_r:container_t:s0',
};

test('labels of the spec count where their module is active', (t) => {
  t.deepEqual(
    liveLabels(SPEC, () => false),
    [],
  );
  t.deepEqual(
    liveLabels({ apparmorProfile: '' }, () => true),
    [],
  );
  const [profile, ...others] = liveLabels(SPEC, (module) => module === 'AppArmor');
  t.deepEqual(others, []);
  t.like(profile, { name: 'docker-default', change: 'changeprofile docker-default' });
  const { selinuxLabel: name } = SPEC;
  t.deepEqual(
    liveLabels(SPEC, (module) => module === 'SELinux'),
    [{ module: 'SELinux', name, file: 'attr/current', change: name }],
  );
});

test('a label is read without the mode of its profile', (t) => {
  t.is(plainLabel('docker-default (enforce)\n'), 'docker-default');
  t.is(plainLabel('a//&b (complain)\n'), 'a//&b');
  t.is(plainLabel('unconfined\n'), 'unconfined');
  t.is(
    plainLabel('system_u:system_r:container_t:s0:c1,c2\0'),
    'system_u:system_r:container_t:s0:c1,c2',
  );
});

function planFor(labels: readonly Label[], tids: readonly number[]): AttributePlan {
  return new AttributePlan({
    builder: new PlanBuilder(),
    image: asValid({
      processes: [
        {
          nsPid: asNsPid(1),
          threads: new Map(tids.map((tid) => [asNsTid(tid), sampleCore(sampleCreds(0n))])),
        },
      ],
      seccomp: undefined,
    }),
    limits: { boundingSet: 0n, noNewPrivileges: true, labels },
    root: 1024,
    host: SAMPLE_HOST,
  });
}

test('every thread labels itself once it has its credentials, before no_new_privs', (t) => {
  const plan = planFor(
    liveLabels(SPEC, (module) => module === 'AppArmor'),
    [1, 2],
  );
  for (const tid of [1, 2]) {
    const sequence = new PlanBuilder().sequence('test');
    plan.planThread(INIT, asNsTid(tid), sequence);
    const all = sequence.operations.map(({ what }) => what);
    const take = 'take the AppArmor label docker-default';
    const from = all.indexOf(take);
    t.deepEqual(all.slice(from), [take, take, take, 'set no_new_privs']);
    t.is(all[from - 1], 'set capabilities');
    t.is(sequence.operations[from]?.args[0], 1024);
  }
});

test('SELinux labels are refused where there are threads', (t) => {
  const labels = liveLabels(SPEC, (module) => module === 'SELinux');
  t.notThrows(() => planFor(labels, [1]));
  const message = /^pid 1 \(sample\): its 2 threads cannot be given the SELinux label system_u/;
  t.throws(() => planFor(labels, [1, 2]), { message });
});

test('a thread without its label does not pass the audit', (t) => {
  const label: Label = { module: 'AppArmor', name: 'other', file: 'comm', change: '' };
  const own = { pid: ownPid(), tid: ownPid() };
  const expected = planFor([label], [1]).expected(INIT, INIT);
  const about = (found: readonly string[]) => found.filter((line) => line.includes('label'));
  t.deepEqual(about(auditThread(own, expected)), ['AppArmor label: expected other, found node']);
  const same = planFor([{ ...label, name: 'node' }], [1]).expected(INIT, INIT);
  t.deepEqual(about(auditThread(own, same)), []);
});
