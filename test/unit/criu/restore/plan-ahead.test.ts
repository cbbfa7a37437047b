// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { areSame } from '../../../../src/common/same.js';
import { ownPid } from '../../../../src/common/ids.js';
import { validateImage } from '../../../../src/criu/image/validate.js';
import type { CheckpointImage } from '../../../../src/criu/image/checkpoint-image.js';
import type { LiveFacts } from '../../../../src/criu/plan/live-facts.js';
import { planRestore } from '../../../../src/criu/plan/restore-plan.js';
import { mountFacts, type MountFacts } from '../../../../src/criu/resources/files/index.js';
import { IMAGE_RULES } from '../../../../src/criu/resources/rules.js';
import { canExpect, expectedFacts } from '../../../../src/criu/restore/expected-facts.js';
import { PlanAhead } from '../../../../src/criu/restore/plan-ahead.js';
import { readLiveFacts } from '../../../../src/criu/restore/read-live-facts.js';
import { sampleImage } from '../../../../src/criu/restore/rehearsal/sample-image.js';
import type { Spec } from '../../../../src/criu/spec.js';
import { IPC_LIMITS, sampleIpc } from '../image/sample-ipc.js';
import { SAMPLE_HOST } from '../resources/samples.js';

const BASE = 0x100_0000_0000n;
const ALL = 2n ** 41n - 1n;
const FACTS: LiveFacts = {
  limits: { boundingSet: ALL, noNewPrivileges: false },
  mounts: mountFacts([]),
  hasConsole: false,
  stdio: [true, false, true],
  kernelAreas: [{ special: '[vdso]', start: BASE, end: BASE + 0x2000n }],
  ipc: undefined,
  severed: new Set(),
  host: SAMPLE_HOST,
  secret: 'secret',
  initPid: ownPid(),
};
// The temporary names of deleted files are random.
const IMAGE = validateImage({ ...sampleImage(), remaps: [], ghosts: new Map() }, IMAGE_RULES);
const PLACED = { image: IMAGE, base: BASE, duplicates: undefined };

const ahead = (expected: LiveFacts) => PlanAhead.make(PLACED, () => expected);

test('a plan that was made for what there is, is the one', (t) => {
  const plan = ahead(FACTS)?.planFor({ ...FACTS });
  const anew = planRestore(PLACED, FACTS).finish().bytes;
  t.deepEqual(Buffer.from(plan?.finish().bytes ?? []), Buffer.from(anew));
});

test('it is not, if anything is other than was expected', (t) => {
  const { limits } = FACTS;
  const filter = new Uint8Array(8);
  const others: Record<string, Partial<LiveFacts>> = {
    streams: { stdio: [true, true, true] },
    'the bounding set': { limits: { ...limits, boundingSet: ALL - 1n } },
    'hard limits': { limits: { ...limits, hardLimits: [1n] } },
    'the user': { limits: { ...limits, user: { uid: 7, gids: [7] } } },
    'a seccomp filter': { limits: { ...limits, seccompChain: [{ filter, flags: 0 }] } },
    connections: { severed: new Set([3]) },
    'ids of others': { takenIds: new Set() },
    'PID 1': { initPid: (ownPid() + 1) as typeof FACTS.initPid },
    'an IPC namespace': { ipc: { isOwn: true, limits: IPC_LIMITS, fixed: new Set() } },
    'the predecessor': { predecessor: { pid: ownPid(), cgroupPlaces: [] } },
  };
  for (const [what, other] of Object.entries(others)) {
    t.is(ahead(FACTS)?.planFor({ ...FACTS, ...other }), undefined, what);
  }
});

test('filters are compared by what they do, whatever holds their bytes', (t) => {
  const withChain = (...filters: readonly Uint8Array[]): LiveFacts => {
    const seccompChain = filters.map((filter) => ({ filter, flags: 0 }));
    return { ...FACTS, limits: { ...FACTS.limits, seccompChain } };
  };
  const bytes = Uint8Array.of(6, 0, 0, 0, 0, 0, 255, 127);
  t.truthy(ahead(withChain(bytes))?.planFor(withChain(Buffer.from(bytes))));
  t.is(ahead(withChain(bytes))?.planFor(withChain(bytes, bytes)), undefined);
  t.is(ahead(withChain(bytes))?.planFor(withChain(new Uint8Array(8))), undefined);
});

const at = (mountPoint: string, fsType: string, ...options: string[]) => ({
  ...{ mountPoint, fsType, options },
});

test('only those mounts matter that the files of the image lie in', (t) => {
  const asked: string[] = [];
  const expected = mountFacts([at('/', 'overlay')]);
  const watched: MountFacts = {
    isLate: (path) => asked.push(path) > 0 && expected.isLate(path),
    isReadOnly: (path) => expected.isReadOnly(path),
  };
  const plan = ahead({ ...FACTS, mounts: watched });
  const [first] = asked;
  t.true(first !== undefined, 'the plan of the sample asks for mounts');
  const found = (...more: Parameters<typeof mountFacts>[0][]): LiveFacts => {
    return {
      ...FACTS,
      mounts: mountFacts([at('/', 'overlay'), ...more.flatMap((one) => [...one])]),
    };
  };
  t.true(plan?.planFor(found([at('/elsewhere', 'proc')])) !== undefined);
  t.is(plan?.planFor(found([at(first ?? '', 'proc')])), undefined);
});

test('a refusal of what was expected is none yet', (t) => {
  const limits = { boundingSet: 0n, noNewPrivileges: false };
  t.is(ahead({ ...FACTS, limits }), undefined);
  const failing = () => {
    throw new Error('not there');
  };
  t.is(PlanAhead.make(PLACED, failing), undefined);
});

test('ids in a shared pid namespace cannot be known before', (t) => {
  const pid = (path?: string): Spec => ({
    linux: { namespaces: [{ type: 'pid', ...(path === undefined ? {} : { path }) }] },
  });
  t.true(canExpect(IMAGE, pid()));
  t.false(canExpect(IMAGE, pid('/proc/1/ns/pid')));
  const timer = (flags: number): CheckpointImage => {
    const file = { type: 'TIMERFD', id: 99, tfd: { settime_flags: flags } };
    return { ...IMAGE, files: [file as CheckpointImage['files'][number]] };
  };
  t.true(canExpect(timer(1), pid()));
  t.false(canExpect(timer(3), pid()), 'it is armed with the time of day');
});

test('what is expected from a spec is what a process of that spec shows', (t) => {
  // This process stands for a donor: the user with all rights, its own limits, no filters.
  const common = {
    restorerPid: ownPid(),
    stdio: [1, null, 2] as const,
    hasConsole: true,
    kernelAreas: FACTS.kernelAreas,
    secret: 'secret',
    held: undefined,
    predecessor: undefined,
  };
  const bounding = ['CAP_SETUID', 'CAP_SETGID'];
  const live: Spec = { process: { capabilities: { bounding }, oomScoreAdj: 5 } };
  const sources = { ...common, live, donorPid: ownPid(), image: undefined, hasIpc: false };
  const found = readLiveFacts({ ...sources, seccompChain: [] });
  const expected = expectedFacts({ ...common, live, image: IMAGE });
  const { mounts } = expected; // Those of this process are others.
  t.true(areSame(expected, { ...found, mounts }));
  const other = { type: 'RLIMIT_NOFILE', hard: 77 };
  const limited: Spec = { process: { ...live.process, rlimits: [other] } };
  const { limits } = expectedFacts({ ...common, live: limited, image: IMAGE });
  t.is(limits.hardLimits?.[7], 77n);
  t.false(areSame({ ...expected, limits }, { ...found, mounts }));
});

test('limits of a new IPC namespace are those that the old one had, unless that had been changed', (t) => {
  const sources = {
    ...{ restorerPid: ownPid(), stdio: [null, null, null] as const, hasConsole: false },
    ...{ kernelAreas: [], secret: '', held: undefined, predecessor: undefined },
  };
  const live: Spec = {
    linux: { namespaces: [{ type: 'ipc' }], sysctl: { 'kernel.shmmax': '4096' } },
  };
  const image = { ...IMAGE, ...sampleIpc() };
  const { ipc } = expectedFacts({ ...sources, live, image });
  t.deepEqual(ipc, { isOwn: true, limits: image.ipcLimits, fixed: new Set(['kernel/shmmax']) });
  t.is(expectedFacts({ ...sources, live, image: IMAGE }).ipc, undefined);
  const facts = { ...FACTS, ipc };
  t.truthy(ahead(facts)?.planFor({ ...facts, ipc: ipc && { ...ipc } }));
  const changed = ipc && { ...ipc, limits: { ...ipc.limits, shm_ctlmni: 7 } };
  t.is(ahead(facts)?.planFor({ ...facts, ipc: changed }), undefined);
});

test('mounts of the spec tell which files are opened late, and which folders are read-only', (t) => {
  const live: Spec = {
    root: { readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc' },
      { destination: '/data', type: 'bind', options: ['rbind', 'rw'] },
    ],
  };
  const { mounts } = expectedFacts({
    ...{ live, restorerPid: ownPid(), stdio: [null, null, null], hasConsole: false },
    ...{ kernelAreas: [], secret: '', held: undefined, predecessor: undefined, image: IMAGE },
  });
  t.true(mounts.isLate('/proc/1/stat'));
  t.false(mounts.isLate('/etc/passwd'));
  t.true(mounts.isReadOnly('/etc'));
  t.false(mounts.isReadOnly('/data/folder'));
});
