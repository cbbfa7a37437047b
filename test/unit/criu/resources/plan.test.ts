// SPDX-License-Identifier: Apache-2.0
import { IdMap } from '../../../../src/criu/procfs/id-map.js';
import test from 'ava';
import { asNsPid, asNsTid, INIT, type NsTid } from '../../../../src/common/ids.js';
import type { CoreEntry, SaEntry, SeccompEntry } from '../../../../src/criu/image/types.js';
import { PlanBuilder } from '../../../../src/criu/plan/builder.js';
import type { Sequence } from '../../../../src/criu/plan/sequence.js';
import {
  AttributePlan,
  liveUser,
  type LiveLimits,
} from '../../../../src/criu/resources/attributes.js';
import { allowedScore } from '../../../../src/criu/resources/attributes/outside.js';
import { effectiveRlimits } from '../../../../src/criu/resources/attributes/limits.js';
import { ATTRIBUTE_RULES } from '../../../../src/criu/resources/attributes/rules.js';
import { RLIM_INFINITY } from '../../../../src/criu/procfs/limits.js';
import { SAMPLE_HOST, sampleCore, sampleCreds } from './samples.js';
import { asValid } from '../../../helpers/valid.js';

const KILL = 1n << 5n;
const SETGID = 1n << 6n;
const SETUID = 1n << 7n;
const SETPCAP = 1n << 8n;
const SYS_ADMIN = 1n << 21n;
const SYS_RESOURCE = 1n << 24n;
const LIMITS: LiveLimits = { boundingSet: KILL | SETPCAP, noNewPrivileges: false };

interface Planned {
  readonly plan: AttributePlan;
  readonly inherited: readonly string[];
  readonly process: readonly string[];
  readonly threads: ReadonlyMap<NsTid, readonly string[]>;
  readonly late: readonly string[];
}

function planFor(
  threads: ReadonlyMap<NsTid, CoreEntry>,
  limits: LiveLimits = LIMITS,
  seccomp?: SeccompEntry,
): Planned {
  const builder = new PlanBuilder();
  const processes = [{ nsPid: INIT, threads }];
  const image = asValid({ processes, seccomp });
  const plan = new AttributePlan({ builder, image, limits, host: SAMPLE_HOST });
  const words = (fill: (sequence: Sequence) => void): string[] => {
    const sequence = builder.sequence('test');
    fill(sequence);
    return sequence.operations.map((operation) => operation.what);
  };
  const each = [...threads.keys()].map((tid): [NsTid, string[]] => [
    tid,
    words((sequence) => {
      plan.planThread(INIT, tid, sequence);
    }),
  ]);
  return {
    plan,
    inherited: words((sequence) => {
      plan.planInherited(sequence);
    }),
    process: words((sequence) => {
      plan.planProcess(INIT, sequence);
    }),
    threads: new Map(each),
    late: words((sequence) => {
      plan.planLate(INIT, sequence);
    }),
  };
}

function leader(
  change: (core: CoreEntry) => void = () => undefined,
  caps = KILL,
): Map<NsTid, CoreEntry> {
  const core = sampleCore(sampleCreds(caps));
  change(core);
  return new Map([[INIT, core]]);
}

function thread(change: Partial<NonNullable<CoreEntry['thread_core']>>): (core: CoreEntry) => void {
  return (core) => Object.assign(core.thread_core ?? {}, change);
}

/** Checks a process against the rules of images. */
function check(cores: ReadonlyMap<NsTid, CoreEntry>): void {
  for (const core of cores.values()) {
    ATTRIBUTE_RULES.process('pid 1', core);
    ATTRIBUTE_RULES.thread('pid 1', core);
  }
}

test('capabilities beyond the live ones are refused by name', (t) => {
  const error = t.throws(() => planFor(leader(undefined, KILL | SYS_ADMIN)));
  t.like(error, { name: 'ShimError', kind: 'failedPrecondition' });
  t.regex(error.message, /^pid 1 \(sample\): its inheritable .* CAP_SYS_ADMIN/);
});

test('ids that mean "unchanged" to the kernel are refused', (t) => {
  const creds = sampleCreds(KILL, { euid: 0xffffffff });
  t.throws(() => check(leader(thread({ creds }))), { message: /impossible user or group id/ });
  const torn = sampleCreds(KILL, { cap_prm: [1] });
  t.throws(() => check(leader(thread({ creds: torn }))), { message: /not two words/ });
});

test('real-time scheduling and low nice values need CAP_SYS_NICE', (t) => {
  const fifo = leader(thread({ sched_policy: 1, sched_prio: 50 }));
  t.throws(() => planFor(fifo), { message: /real-time scheduling needs CAP_SYS_NICE/ });
  const quick = leader(thread({ sched_nice: -20 }));
  t.throws(() => planFor(quick), { message: /nice value -20 needs CAP_SYS_NICE/ });
  const allowed = { ...LIMITS, boundingSet: LIMITS.boundingSet | (1n << 23n) };
  t.true(planFor(fifo, allowed).threads.get(INIT)?.includes('set scheduling policy 1'));
});

test('no_new_privs of the request is enforced', (t) => {
  t.false(planFor(leader()).threads.get(INIT)?.includes('set no_new_privs'));
  const strict = planFor(leader(), { ...LIMITS, noNewPrivileges: true });
  t.true(strict.threads.get(INIT)?.includes('set no_new_privs'));
  t.true(strict.plan.expected(INIT, INIT).noNewPrivs);
});

test('PID 1 has the ids of the live user; others only where they cannot have changed', (t) => {
  const user = { uid: 1000, gids: [1000, 50] };
  const creds = (id: number, groups: readonly number[]) =>
    sampleCreds(0n, {
      ...{ uid: id, euid: id, suid: id, fsuid: id, groups: [...groups] },
      ...{ gid: 1000, egid: 1000, sgid: 1000, fsgid: 1000 },
    });
  const same = leader(thread({ creds: creds(1000, [50]) }));
  t.notThrows(() => planFor(same, { ...LIMITS, user }));
  const root = leader(thread({ creds: creds(0, []) }));
  const message =
    /^pid 1 \(sample\): runs as user 0, and the new container as user 1000; remedy: give the container/;
  t.throws(() => planFor(root, { ...LIMITS, user }), { message });
  t.notThrows(() => planFor(root, { ...LIMITS, user: { uid: undefined, gids: user.gids } }));
  const more = leader(thread({ creds: creds(1000, [50, 0]) }));
  const groups = /runs as group 0, and the new container as groups 1000 50/;
  t.throws(() => planFor(more, { ...LIMITS, user }), { message: groups });

  const child = (limits: LiveLimits) =>
    new AttributePlan({
      builder: new PlanBuilder(),
      image: asValid({
        processes: [
          {
            nsPid: asNsPid(7),
            threads: new Map([[asNsTid(7), root.get(INIT) ?? sampleCore(sampleCreds(0n))]]),
          },
        ],
        seccomp: undefined,
      }),
      limits,
      host: SAMPLE_HOST,
    });
  t.notThrows(() => child({ ...LIMITS, user }));
  t.throws(() => child({ ...LIMITS, user, noNewPrivileges: true }), { message: /runs as user 0/ });
});

const EVERYBODY = new IdMap('0 0 4294967295');
const IDENTITY = { users: EVERYBODY, groups: EVERYBODY };

test('a container may be anybody as long as it keeps CAP_SETUID', (t) => {
  const status = (id: number, bounding: bigint, ambient = 0n) =>
    liveUser(
      {
        uid: { real: id, effective: id, saved: id, fileSystem: id },
        gid: { real: 5, effective: 5, saved: 5, fileSystem: 5 },
        groups: [6],
        capabilities: {
          bounding,
          ambient,
          permitted: bounding,
          effective: bounding,
          inheritable: 0n,
        },
      },
      IDENTITY,
    );
  t.deepEqual(status(0, SETUID), { uid: undefined, gids: [5, 6] });
  t.deepEqual(status(0, KILL), { uid: 0, gids: [5, 6] });
  t.deepEqual(status(1000, SETUID | SETGID), { uid: 1000, gids: [5, 6] });
  t.deepEqual(status(1000, SETUID, SETUID | SETGID), { uid: undefined, gids: undefined });
});

test('credentials change in the order the kernel needs', (t) => {
  const creds = sampleCreds(KILL, { uid: 5, euid: 5, suid: 5, fsuid: 6, cap_amb: [Number(KILL)] });
  const steps = planFor(leader(thread({ creds, pdeath_sig: 9 }))).threads.get(INIT) ?? [];
  const order = [
    'keep capabilities',
    'set 0 groups',
    'set uids 5, 5, 5',
    'set fsuid 6',
    'set capabilities',
    'raise ambient capability 5',
    'drop capability 8',
    'set securebits',
    'set the parent death signal 9',
  ].map((what) => steps.indexOf(what));
  t.deepEqual(
    order,
    [...order].sort((a, b) => a - b),
  );
  t.false(order.includes(-1));
  // CAP_SETPCAP, needed on the way, goes in a second step.
  t.is(steps.filter((what) => what === 'set capabilities').length, 2);
  t.true(steps.lastIndexOf('set capabilities') > steps.indexOf('set securebits'));
});

const ALLOW = Uint8Array.of(6, 0, 0, 0, 0, 0, 0xff, 0x7f);
const KILL_ALL = Uint8Array.of(6, 0, 0, 0, 0, 0, 0, 0x80);
const FILTERS: SeccompEntry = {
  seccomp_filters: [{ filter: ALLOW }, { filter: KILL_ALL, prev: 0 }],
};

function filtered(last: number): CoreEntry {
  const core = sampleCore(sampleCreds(KILL));
  Object.assign(core.thread_core ?? {}, { seccomp_mode: 'filter', seccomp_filter: last });
  return core;
}

function filtersIn(words: readonly string[] | undefined): number {
  return (words ?? []).filter((what) => what.startsWith('install a seccomp')).length;
}

test('filters that all threads share are installed before there are threads', (t) => {
  const planned = planFor(new Map<NsTid, CoreEntry>([[INIT, filtered(0)], [asNsTid(2), filtered(1)]]), LIMITS, FILTERS); // prettier-ignore
  t.is(filtersIn(planned.process), 1);
  t.is(filtersIn(planned.threads.get(INIT)), 0);
  t.is(filtersIn(planned.threads.get(asNsTid(2))), 1);
  t.is(planned.plan.expected(INIT, asNsTid(2)).filters, 2);
});

test('an image cannot leave out the filters of the request', (t) => {
  const live = { ...LIMITS, seccompChain: [{ filter: KILL_ALL, flags: 0 }] };
  t.is(planFor(leader(), live).plan.expected(INIT, INIT).filters, 1);
  const other = planFor(new Map([[INIT, filtered(0)]]), live, FILTERS);
  t.is(other.plan.expected(INIT, INIT).filters, 2);
  const same = { ...LIMITS, seccompChain: [{ filter: ALLOW, flags: 0 }] };
  t.is(planFor(new Map([[INIT, filtered(0)]]), same, FILTERS).plan.expected(INIT, INIT).filters, 1);
});

test('endless and torn filters are refused', (t) => {
  const bad = (seccomp: SeccompEntry): string =>
    t.throws(() => ATTRIBUTE_RULES.filters(seccomp)).message;
  t.regex(bad({ seccomp_filters: [{ filter: ALLOW, prev: 0 }] }), /built on a later one/);
  t.regex(bad({ seccomp_filters: [{ filter: ALLOW.subarray(1) }] }), /7 bytes/);
  t.regex(bad({ seccomp_filters: [{ filter: ALLOW, flags: 8 }] }), /flags 8/);
});

test('pending signals that nobody can have are refused', (t) => {
  const pending = (bytes: Uint8Array): string =>
    t.throws(() => check(leader(thread({ signals_p: { signals: [{ siginfo: bytes }] } })))).message;
  t.regex(pending(new Uint8Array(128)), /pending signal 0/);
  t.regex(
    pending(Uint8Array.from({ length: 128 }, (_, at) => (at === 0 ? 9 : 0))),
    /it is being killed/,
  );
  t.regex(pending(Uint8Array.of(10, 0, 0, 0)), /of 4 bytes/);
});

test('what zombies send at the restore is forgotten before signals are queued', (t) => {
  const siginfo = Uint8Array.from({ length: 128 }, (_, at) => (at === 0 ? 17 : 0));
  const sigactions = actions(17);
  const { late, process } = planFor(
    leader((core) =>
      Object.assign(core.tc ?? {}, { sigactions, signals_s: { signals: [{ siginfo }] } }),
    ),
  );
  t.deepEqual(late.slice(0, 3), [
    'forget signals of the restore',
    'set the action of signal 17',
    'queue pending signal 17',
  ]);
  t.is(late.at(-1), 'set dumpable');
  t.false(process.includes('set the action of signal 17'));
});

/** Actions of all signals, of which some are ignored. */
function actions(...ignored: readonly number[]): SaEntry[] {
  const signals = Array.from({ length: 64 }, (_, index) => index + 1);
  return signals
    .filter((signal) => signal !== 9 && signal !== 19)
    .map((signal) => {
      const sigaction = ignored.includes(signal) ? 1n : 0n;
      return { sigaction, flags: 0n, restorer: 0n, mask: 0n };
    });
}

test('what most processes have is set once, and inherited', (t) => {
  const limit = { cur: RLIM_INFINITY, max: RLIM_INFINITY };
  const rlimits = {
    rlimits: [limit, { ...limit, cur: 5n }, ...Array<typeof limit>(14).fill(limit)],
  };
  const { inherited, process, threads, late } = planFor(
    leader((core) => Object.assign(core.tc ?? {}, { sigactions: actions(13), rlimits })),
  );
  t.is(inherited.filter((what) => what.startsWith('set the action of signal')).length, 62);
  t.deepEqual(process, ['set the action of signal 13']);
  const drops = (words: readonly string[] = []): string[] =>
    words.filter((what) => what.startsWith('drop'));
  t.is(drops(inherited).length, 39);
  t.deepEqual(drops(threads.get(INIT)), ['drop capability 8']);
  // The limit of open files has been raised since.
  const limits = late
    .filter((what) => what.startsWith('set limit'))
    .map((what) => what.split(' ')[2]);
  t.deepEqual(limits, ['fsize', 'nofile']);
});

test('ids of timers out of reach are refused on kernels that number them', (t) => {
  const none = { isec: 0n, iusec: 0n, vsec: 0n, vusec: 0n };
  const timer = {
    ...{ it_id: 100_000, clock_id: 1, si_signo: 14, it_sigev_notify: 0, sival_ptr: 0n, overrun: 0 },
    ...{ isec: 0n, insec: 0n, vsec: 0n, vnsec: 0n },
  };
  const timers = { real: none, virt: none, prof: none, posix: [timer] };
  const cores = leader((core) => Object.assign(core.tc ?? {}, { timers }));
  t.throws(() => planFor(cores), { message: /needs Linux 6.15/ });
});

test('limits stay below those of the live container', (t) => {
  const rlimits = [
    { cur: 100n, max: 200n },
    { cur: 1n, max: 5n },
  ];
  t.deepEqual(effectiveRlimits({ rlimits }, [50n, 10n]), [
    { cur: 50n, max: 50n },
    { cur: 1n, max: 5n },
  ]);
  t.deepEqual(effectiveRlimits({ rlimits }, undefined), rlimits);
});

test('an image does not hide its processes from the OOM killer', (t) => {
  t.is(allowedScore(-1000, LIMITS), 0);
  t.is(allowedScore(-1000, { ...LIMITS, oomScoreAdj: -500 }), -500);
  t.is(allowedScore(300, LIMITS), 300);
  t.is(allowedScore(-1000, { ...LIMITS, boundingSet: SYS_RESOURCE }), -1000);
});
