// SPDX-License-Identifier: Apache-2.0

/** A difference that is meant to be, or cannot be helped. */
export interface KnownDifference {
  /** Group and title of the scenario. */
  readonly scenario: string;
  /** How the lines of the recording begin that differ. */
  readonly line: string;
  /** What stands in them, and what stands there in ours. */
  readonly theirs: string;
  readonly ours: string;
  readonly reason: string;
}

const DELETED_UNSTARTED = {
  scenario: 'life: a container is created and deleted without a start',
  ours: 'exit_status=137 exited_at="time 1"',
  reason: 'theirs answers before it has heard of the end of the init that it kills, ours after it',
};

const REFUSED_EARLY = {
  theirs: 'error=unknown',
  ours: 'error=invalidArgument',
  reason: 'ours looks before it calls runc, and says whose fault it is',
};

/** All known differences. */
export const KNOWN: readonly KnownDifference[] = [
  {
    ...DELETED_UNSTARTED,
    line: 'step name=Delete id',
    theirs: 'exit_status=0 exited_at="no time"',
  },
  {
    ...DELETED_UNSTARTED,
    line: 'event topic=/tasks/delete',
    theirs: 'exit_status=0 exited_at="no time"',
  },
  {
    ...DELETED_UNSTARTED,
    line: 'event topic=/tasks/exit',
    theirs: 'exit_status=137 exited_at="no time"',
  },
  {
    scenario: 'exec: a command that is not there',
    line: 'step name="Wait e"',
    theirs: 'exit_status=0 exited_at="no time"',
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
    scenario: 'bad input: a spec of the wrong types',
    line: 'step name=Create',
  },
];
