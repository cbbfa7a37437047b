// SPDX-License-Identifier: Apache-2.0
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { PrivateContainerd } from './containerd.js';
import { until } from './run.js';

/** One event, as `ctr events` prints it. */
export interface LoggedEvent {
  readonly topic: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Events of a containerd from now on, in the order of their arrival. */
export class EventLog {
  readonly events: LoggedEvent[] = [];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Subscribes. The caller closes it. */
  static async open(containerd: PrivateContainerd): Promise<EventLog> {
    const { address, namespace } = containerd;
    const child = spawn('ctr', ['--address', address, '--namespace', namespace, 'events'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const log = new EventLog(child);
    createInterface(child.stdout).on('line', (line) => {
      const [, topic, json] = /^.* (\/\S+) ({.*})$/.exec(line) ?? [];
      if (topic === undefined || json === undefined) return;
      log.events.push({ topic, fields: JSON.parse(json) as Record<string, unknown> });
    });
    await until('events to arrive', async () => {
      await containerd.ctr(['namespaces', 'label', namespace, `probe=${String(Date.now())}`]);
      return log.events.length > 0;
    });
    return log;
  }

  /** Topics of the events of one container so far. */
  topicsOf(id: string): string[] {
    const own = this.events.filter(({ fields }) => fields['container_id'] === id);
    return own.map(({ topic }) => topic).filter((topic) => topic.startsWith('/tasks/'));
  }

  /** Waits for an event of a container; resolves with the first. */
  async next(id: string, topic: string): Promise<LoggedEvent> {
    return await until(`event ${topic} of ${id}`, () =>
      Promise.resolve(
        this.events.find((event) => event.topic === topic && event.fields['container_id'] === id),
      ),
    );
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}
