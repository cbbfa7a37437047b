// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import { cgroupOf, pidsIn, type Cgroup } from '../../common/cgroup.js';
import { ShimError } from '../../common/errors.js';
import {
  cgroupExists,
  containerCgroupOf,
  type ContainerCgroup,
} from '../metrics/container-cgroup.js';
import { readMetrics } from '../metrics/metrics.js';
import { OomWatch } from '../metrics/oom.js';
import type { AnyValue } from '../proto/values.js';

/** What a container has of the host: its cgroups, found by its init while that lives. */
export class Resources {
  /** Where it is frozen and its processes are listed; undefined where runc made it no cgroup. */
  readonly freezer: Cgroup | undefined;
  readonly #cgroup: ContainerCgroup | undefined;
  readonly #oom: OomWatch | undefined;

  /** `onOom` is called when the kernel has killed some of it for lack of memory. */
  constructor(initPid: HostPid, onOom: () => void) {
    this.freezer = cgroupOf(initPid);
    this.#cgroup = containerCgroupOf(initPid);
    if (this.#cgroup !== undefined) this.#oom = OomWatch.start(this.#cgroup, onOom);
  }

  /** All pids in it. */
  pids(): HostPid[] {
    return this.freezer === undefined ? [] : pidsIn(this.freezer);
  }

  /** What it uses now. @throws ShimError `notFound` once its cgroup has gone */
  metrics(id: string): AnyValue {
    if (this.#cgroup === undefined || !cgroupExists(this.#cgroup)) {
      throw new ShimError('notFound', `task ${id} has no cgroup`);
    }
    return readMetrics(this.#cgroup);
  }

  /** Tells now what was killed for lack of memory until now, so that it comes before an exit. */
  checkOom(): void {
    this.#oom?.check();
  }

  /** Ends the watch over its memory. */
  close(): void {
    this.#oom?.close();
  }
}
