// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { mountFacts } from '../../../../src/criu/resources/files/index.js';
import { asNsPid, INIT, ownPid } from '../../../../src/common/ids.js';
import type { CheckpointImage } from '../../../../src/criu/image/checkpoint-image.js';
import { VMA_STATUS } from '../../../../src/criu/image/constants.js';
import { HEADER } from '../../../../src/criu/plan/abi.js';
import type { LiveFacts } from '../../../../src/criu/plan/live-facts.js';
import { PHASES } from '../../../../src/criu/plan/phases.js';
import { validateImage } from '../../../../src/criu/image/validate.js';
import { planRestore } from '../../../../src/criu/plan/restore-plan.js';
import { IMAGE_RULES } from '../../../../src/criu/resources/rules.js';
import { sampleImage, vma } from '../../../../src/criu/restore/rehearsal/sample-image.js';
import { IPC_LIMITS, sampleIpc } from '../image/sample-ipc.js';
import { SAMPLE_HOST } from '../resources/samples.js';

const BASE = 0x100_0000_0000n;
const VDSO_SIZE = 0x2000n;
const ALL = 2n ** 41n - 1n;
/** What a sample lets a new container do: all that the image has. */
const FACTS: LiveFacts = {
  limits: { boundingSet: ALL, noNewPrivileges: false },
  mounts: mountFacts([]),
  hasConsole: false,
  stdio: [true, false, true],
  kernelAreas: [{ special: '[vdso]', start: BASE, end: BASE + VDSO_SIZE }],
  ipc: undefined,
  severed: new Set(),
  host: SAMPLE_HOST,
  secret: '',
  initPid: ownPid(),
};

/** From which children read their pages. */
const MEMORY = { memory: FACTS.initPid };

const place = (image: CheckpointImage) => ({
  image: validateImage(image, IMAGE_RULES),
  base: BASE,
  duplicates: undefined,
});

test("System V objects are made by sysctls of a namespace that is the new container's own", (t) => {
  const image = place({ ...sampleImage(), ...sampleIpc() });
  const sysctls = ['shm', 'sem', 'msg'].map((kind) => ({ sysctl: `kernel/${kind}_next_id` }));
  const ipc = { isOwn: true, limits: IPC_LIMITS, fixed: new Set<string>() };
  t.deepEqual(planRestore(image, { ...FACTS, ipc }).given, ['donor', 0, 2, MEMORY, ...sysctls]);
  t.throws(() => planRestore(image, { ...FACTS, ipc: { ...ipc, isOwn: false } }), {
    message: /shares its IPC namespace; remedy: give it its own/,
  });
});

test('a restore is planned without a process: all phases, all descriptors', (t) => {
  const plan = planRestore(place(sampleImage()), FACTS);
  t.deepEqual(plan.given, ['donor', 0, 2, MEMORY]);
  const phases = Object.keys(PHASES);
  const order = plan.barriers.map(({ phase }) => phases.indexOf(phase));
  t.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
    'in the order of the phases',
  );
  const standing = Object.fromEntries(plan.barriers.map((one) => [one.phase, one.standing]));
  t.like(standing, { forked: 3, grouped: 3, placed: 2, confined: 3, done: 3 });
  t.false('duplicated' in standing);
  const { bytes } = plan.finish();
  t.is(new DataView(bytes.buffer).getBigUint64(HEADER.size, true), BigInt(bytes.length));
});

test('one and the same image and facts give one and the same plan', (t) => {
  // The temporary names of deleted files are random.
  const image = { ...sampleImage(), remaps: [], ghosts: new Map() };
  const [one, other] = [1, 2].map(() => planRestore(place(image), FACTS).finish().bytes);
  t.true(one !== undefined && other !== undefined && Buffer.compare(one, other) === 0);
});

test('where the kernel has the memory, processes stand to get it, and the device goes along', (t) => {
  const duplicates = new Map([
    [INIT, 7],
    [asNsPid(9), 8],
  ]);
  const plan = planRestore({ ...place(sampleImage()), duplicates }, FACTS);
  t.deepEqual(plan.given, ['donor', 0, 2, 'device', 'plan']);
  t.deepEqual(
    plan.barriers.find(({ phase }) => phase === 'duplicated'),
    { phase: 'duplicated', standing: 2 },
  );
  t.is(plan.exec?.base, BASE);
});

test('what goes beyond the new container is refused by the name of its process', (t) => {
  const limits = { boundingSet: 0n, noNewPrivileges: false };
  t.throws(() => planRestore(place(sampleImage()), { ...FACTS, limits }), {
    message: /^pid 1 \(redis-server\): its .* capabilities go beyond those of the new container/,
  });
  const user = { uid: 1000, gids: [1000] };
  t.throws(
    () => planRestore(place(sampleImage()), { ...FACTS, limits: { ...FACTS.limits, user } }),
    {
      message:
        /^pid 1 \(redis-server\): runs as user 0, and the new container as user 1000; remedy: /,
    },
  );
});

test('a vDSO of another kernel is refused', (t) => {
  const image = sampleImage();
  const vdso = { ...vma(0x7fff_0000_0000n, 0x7fff_0000_0000n + VDSO_SIZE) };
  vdso.status = VMA_STATUS.regular | VMA_STATUS.vdso;
  image.mms.get(INIT)?.vmas.splice(3, 0, vdso);
  t.notThrows(() => planRestore(place(image), FACTS));
  t.throws(() => planRestore(place(image), { ...FACTS, kernelAreas: [] }), {
    message: /the vDSO of the image is not the one of this kernel/,
  });
});
