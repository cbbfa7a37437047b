// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import { taskEvent } from '../events/topics.js';
import { timestamp } from '../proto/values.js';
import type { Exit } from '../reaper.js';
import type { TaskProcess } from './process.js';

type TaskEvent = ReturnType<(typeof taskEvent)['start']>;

/** What a task tells containerd's watchers of itself: one method for each event. */
export class Announcements {
  readonly #containerId: string;
  readonly #publish: (event: TaskEvent) => void;

  constructor(containerId: string, publish: (event: TaskEvent) => void) {
    this.#containerId = containerId;
    this.#publish = publish;
  }

  started(pid: HostPid): void {
    this.#publish(taskEvent.start({ containerId: this.#containerId, pid }));
  }

  execAdded(execId: string): void {
    this.#publish(taskEvent.execAdded({ containerId: this.#containerId, execId }));
  }

  execStarted({ execId, pid }: TaskProcess): void {
    this.#publish(taskEvent.execStarted({ containerId: this.#containerId, execId, pid }));
  }

  paused(): void {
    this.#publish(taskEvent.paused({ containerId: this.#containerId }));
  }

  resumed(): void {
    this.#publish(taskEvent.resumed({ containerId: this.#containerId }));
  }

  checkpointed(imagePath: string): void {
    const checkpoint = imagePath;
    this.#publish(taskEvent.checkpointed({ containerId: this.#containerId, checkpoint }));
  }

  outOfMemory(): void {
    this.#publish(taskEvent.oom({ containerId: this.#containerId }));
  }

  /** The end of init, or of an exec. */
  exited({ execId, pid }: TaskProcess, exit: Exit): void {
    const id = execId === '' ? this.#containerId : execId;
    this.#publish(taskEvent.exit({ ...this.#end(pid, exit), id }));
  }

  deleted(pid: HostPid, exit: Exit): void {
    this.#publish(taskEvent.delete(this.#end(pid, exit)));
  }

  #end(pid: HostPid, { status: exitStatus, at }: Exit) {
    return { containerId: this.#containerId, pid, exitStatus, exitedAt: timestamp(at) };
  }
}
