// SPDX-License-Identifier: Apache-2.0

/** A release of containerd, whose shim ours is compared with. */
export type Release = '1.6' | '1.7' | '2.1';

/** A difference that is intended, or cannot be avoided. */
export interface KnownDifference {
  /** The releases that show it; default: all. */
  readonly releases?: readonly Release[];
  /** Group and title of the scenario; default: any that has such a line. */
  readonly scenario?: string;
  /** How the differing lines of the recording begin. */
  readonly line: string;
  /** What their lines contain, and what ours contain instead; default: the same. */
  readonly theirs?: string;
  readonly ours?: string;
  /** Theirs may have the line elsewhere, or not at all. */
  readonly isLoose?: boolean;
  readonly reason: string;
}

/** The known differences of a scenario with a release. */
export function knownOf(title: string, release: Release): KnownDifference[] {
  return KNOWN.filter(
    ({ releases = [release], scenario = title }) =>
      releases.includes(release) && scenario === title,
  );
}

const HURRIED = {
  releases: ['1.7', '2.1'],
  isLoose: true,
  reason: 'theirs ends without waiting for its last events to be sent',
} as const;

const DELETED_UNSTARTED = {
  scenario: 'life: a container is created and deleted without a start',
  ours: 'exit_status=137 exited_at="time 1"',
  reason: 'theirs answers before it has heard of the end of the init that it kills, ours after it',
};

const DELETED_UNRESTORED = {
  scenario: 'checkpoint: a task is created from a checkpoint and deleted without a start',
  theirs: 'exit_status=0 exited_at="zero time"',
  ours: 'exit_status=137 exited_at="time 2"',
  reason: 'status 0 would be taken for success of a task that never ran',
};

const REFUSED_EARLY = {
  theirs: 'error=unknown',
  ours: 'error=invalidArgument',
  reason: 'ours looks before it calls runc, and says whose fault it is',
};

const UNSTARTED_EVENTS = [
  { line: 'event topic=/tasks/delete', theirs: 'exit_status=0 exited_at="zero time"' },
  { line: 'event topic=/tasks/exit', theirs: 'exit_status=137 exited_at="zero time"' },
];

const KNOWN: readonly KnownDifference[] = [
  { ...HURRIED, releases: ['2.1'], line: 'event topic=/tasks/delete' },
  { ...HURRIED, releases: ['2.1'], line: 'event topic=/tasks/exit container_id=<id> id=<id>' },
  {
    ...DELETED_UNSTARTED,
    line: 'step name=Delete id',
    theirs: 'exit_status=0 exited_at="zero time"',
  },
  ...UNSTARTED_EVENTS.flatMap((event): KnownDifference[] => [
    { ...DELETED_UNSTARTED, ...event, releases: ['1.6'] },
    { ...DELETED_UNSTARTED, ...event, ...HURRIED },
  ]),
  {
    releases: ['1.6'],
    scenario: 'exec: exec was asked for before the end and started after it',
    line: 'step name="Start e"',
    theirs: 'error=unknown',
    ours: 'error=failedPrecondition',
    reason: 'ours does as theirs from 1.7 on',
  },
  {
    scenario: 'exec: a command that is not there',
    line: 'step name="Wait e"',
    theirs: 'exit_status=0 exited_at="zero time"',
    ours: 'exit_status=255 exited_at="time of e 1"',
    reason: 'status 0 would be taken for success of a command that never ran',
  },
  {
    ...REFUSED_EARLY,
    scenario: 'limits: limits that make no sense',
    line: 'step name=Update',
  },
  {
    ...REFUSED_EARLY,
    releases: ['1.6', '1.7'], // later ones do not get as far as a shim
    scenario: 'bad input: a spec of the wrong types',
    line: 'step name=Create',
  },
  {
    scenario: 'limits: init runs out of memory',
    line: 'event topic=/tasks/oom',
    isLoose: true,
    reason: 'theirs tells it and the exit side by side, and not at all once the cgroup is gone',
  },
  {
    line: 'event topic=/tasks/checkpointed',
    isLoose: true,
    reason: 'containerd has this event, and theirs does not send it',
  },
  { ...DELETED_UNRESTORED, line: 'step name=Delete id="" pid=0' },
  ...[{ releases: ['1.6', '1.7'] } as const, { ...HURRIED, releases: ['2.1'] } as const].map(
    (when): KnownDifference => ({
      ...DELETED_UNRESTORED,
      line: 'event topic=/tasks/delete container_id=<id> pid=0',
      ...when,
    }),
  ),
  ...['ListPids', 'Start', 'Wait', 'Delete'].map((method): KnownDifference => ({
    releases: ['2.1'],
    scenario: 'bad input: a spec of the wrong types',
    line: `step name=${method}`,
    theirs: 'error=unknown',
    ours: 'error=notFound',
    isLoose: true,
    reason: 'whoever asks early meets theirs while it ends',
  })),
];
