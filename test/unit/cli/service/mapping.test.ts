// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import {
  cloneMessage,
  forkingOf,
  limitsOf,
  timestampOf,
  vasMessage,
} from '../../../../src/cli/service/mapping.js';
import type { ForkRequest, PruneRequest } from '../../../../src/cli/service/messages/service.js';
import { ShimError } from '../../../../src/common/errors.js';
import type { VasEntry } from '../../../../src/criu/index.js';

const EMPTY: ForkRequest = {
  ...{ source: 'web', count: 0, name: '', labels: [], net: '', logUri: '' },
  ...{ noRootfs: false, namespace: '', hook: '', hookRequired: false, ownDaemons: false },
};

test('an empty request for clones asks for one, with its files, in the same network', (t) => {
  t.deepEqual(forkingOf(EMPTY), {
    ...{ source: 'web', count: 1, name: undefined, labels: {}, network: 'same' },
    ...{ logUri: '', rootfs: true, hook: undefined, ownDaemons: false },
  });
});

test('a request for clones is passed on', (t) => {
  const labels = [
    { key: 'a', value: 'b' },
    { key: 'c', value: '' },
  ];
  const own = { hook: 'reseed', hookRequired: true, ownDaemons: true };
  const rest = { count: 3, name: 'web-{n}', net: '/run/ns', noRootfs: true, ...own };
  const { logUri, ...forking } = forkingOf({ ...EMPTY, ...rest, labels });
  t.is(logUri, '');
  t.deepEqual(forking, {
    ...{ source: 'web', count: 3, name: 'web-{n}', labels: { a: 'b', c: '' } },
    ...{ network: '/run/ns', rootfs: false, hook: { command: 'reseed', isRequired: true } },
    ownDaemons: true,
  });
});

for (const [wrong, message] of [
  [{ count: 1001 }, 'count 1001: not a number from 1 to 1000'],
  [{ net: 'host' }, 'net host: not same, none or an absolute path'],
] as const) {
  test(`a request with ${JSON.stringify(wrong)} is refused`, (t) => {
    const { kind, message: told } = t.throws(() => forkingOf({ ...EMPTY, ...wrong }), {
      instanceOf: ShimError,
    });
    t.deepEqual([kind, told], ['invalidArgument', message]);
  });
}

test('limits that are absent do not matter, zeros do', (t) => {
  const limits = (request: Partial<PruneRequest>) => limitsOf(request as PruneRequest);
  t.deepEqual(limits({}), { olderMs: undefined, keep: undefined });
  t.deepEqual(limits({ olderMs: 0n, keep: 0 }), { olderMs: 0, keep: 0 });
});

test('a clone either runs or has failed', (t) => {
  const clone = { id: 'web-1', pid: 7, ms: 30, error: undefined };
  t.deepEqual(cloneMessage(clone), { clone: { id: 'web-1', pid: 7, ms: 30 } });
  const error = new ShimError('alreadyExists', 'it is there');
  t.deepEqual(cloneMessage({ ...clone, pid: undefined, error }), {
    failure: { id: 'web-1', code: 6, message: 'it is there' },
  });
});

test('time before 1970 has positive nanoseconds, too', (t) => {
  t.deepEqual(timestampOf(new Date(1500)), { seconds: 1n, nanos: 500_000_000 });
  t.deepEqual(timestampOf(new Date(-500)), { seconds: -1n, nanos: 500_000_000 });
});

test('a VAS without a record has no holder, no bytes and no namespace', (t) => {
  const vas = { id: 'a', state: 'filling', createdAt: new Date(0) } as unknown as VasEntry;
  t.like(vasMessage(vas), { id: 'a', holderPid: 0, bytes: 0n, namespace: '', clones: 0 });
});
