// SPDX-License-Identifier: Apache-2.0
import { splitLines, type Line, type ProcText } from './line.js';
import { remember } from './remember.js';

/** One line of /proc/PID/cgroup: where a task is in one hierarchy. Source: cgroups(7). */
export interface CgroupMembership {
  /** 0 for cgroup v2. */
  readonly hierarchyId: number;
  /** Controllers bound to a v1 hierarchy; empty for v2 and for a named v1 hierarchy. */
  readonly controllers: readonly string[];
  /** Name of a v1 hierarchy (`systemd`); undefined for v2 and where it has none. */
  readonly name: string | undefined;
  /** From the root of the reader's cgroup namespace; starts with `/..` outside it. */
  readonly path: string;
  /** The cgroup is gone; only a zombie can be in it. Only v2 shows this. */
  readonly deleted: boolean;
}

const NAME = 'name=';
const DELETED = ' (deleted)';

/** Parses /proc/PID/cgroup, or a thread's. */
export const parseCgroup: (content: ProcText) => readonly CgroupMembership[] = remember((text) =>
  splitLines('cgroup', text).map(parseMembership),
);

function parseMembership(line: Line): CgroupMembership {
  // A path may contain colons; the fields before it may not.
  const [, id, subsystems, rawPath] = line.match(/^([0-9]+):([^:]*):(\/.*)$/s);
  const hierarchyId = line.integer(id);
  const parts = line.present(subsystems).split(',');
  const shown = line.present(rawPath);
  const deleted = hierarchyId === 0 && shown.endsWith(DELETED);
  return {
    hierarchyId,
    controllers: parts.filter((part) => part !== '' && !part.startsWith(NAME)),
    name: parts.find((part) => part.startsWith(NAME))?.slice(NAME.length),
    path: deleted ? shown.slice(0, -DELETED.length) : shown,
    deleted,
  };
}
