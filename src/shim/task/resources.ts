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

/** What a container has of the host: its cgroups, found through its init while that is alive. */
export class Resources {
  /** Where it is frozen and its processes are listed; undefined if runc made no cgroup for it. */
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

  /** Its current usage. @throws ShimError `notFound` once its cgroup is gone */
  metrics(id: string): AnyValue {
    if (this.#cgroup === undefined || !cgroupExists(this.#cgroup)) {
      throw new ShimError('notFound', `task ${id} has no cgroup`);
    }
    return readMetrics(this.#cgroup);
  }

  /** Reports all kills for lack of memory up to now, so that these come before an exit. */
  checkOom(): void {
    this.#oom?.check();
  }

  /** Ends the watch of its memory. */
  close(): void {
    this.#oom?.close();
  }
}
