// SPDX-License-Identifier: Apache-2.0
import type { Message } from '../../helpers/containerd-api.js';

/** A process to run: a command of the test's root filesystem, or parts of an OCI process. */
export interface ProcessRequest {
  readonly args: readonly string[];
  readonly terminal?: boolean;
  /** Gives it a stdin; a terminal has one anyway. */
  readonly stdin?: boolean;
  /** Further fields of the OCI process. */
  readonly spec?: Message;
}

/** Which stream of which process; init's is that of the exec id ''. */
export interface StreamName {
  readonly stream: 'stdin' | 'stdout' | 'stderr';
  readonly execId: string;
}

/** One thing a client does. Its answer, or the class of its error, is recorded. */
export type Step =
  /** A call of the tasks API about the container; what is left out of the request is added. */
  | { readonly do: 'call'; readonly method: string; readonly request: Message }
  /** Registers a process. */
  | { readonly do: 'exec'; readonly execId: string; readonly process: ProcessRequest }
  /** Waits until a stream has brought a text. */
  | ({ readonly do: 'read'; readonly until: string } & StreamName)
  /** Writes to stdin. */
  | { readonly do: 'write'; readonly execId: string; readonly text: string }
  /** Closes the client's end of stdin. */
  | { readonly do: 'hangUp'; readonly execId: string }
  /** The content of a file of the container's cgroup. */
  | { readonly do: 'cgroup'; readonly controller: string; readonly file: string }
  /** Type and names of fields of the task's metrics. */
  | { readonly do: 'metrics' }
  /** Begins a step that ends later. */
  | { readonly do: 'begin'; readonly name: string; readonly step: Step }
  /** The result of a step that was begun. */
  | { readonly do: 'end'; readonly name: string }
  /** Checkpoints the task; the kinds of what was written are recorded. */
  | { readonly do: 'checkpoint'; readonly exit: boolean }
  /** Creates the task from the last checkpoint. */
  | { readonly do: 'restore' }
  /** A step of the pod's other container. */
  | { readonly do: 'beside'; readonly step: Step }
  /** Steps at the same time; each may be a sequence. */
  | { readonly do: 'atOnce'; readonly steps: readonly (readonly Step[])[] };

/** What a client does with one container, or those of a pod, from its creation on. */
export interface Scenario {
  readonly title: string;
  /** Init; by default one that sleeps and ends by SIGTERM with status 3. */
  readonly process?: ProcessRequest;
  /** Laid over the spec; a string replaces its text. */
  readonly spec?: Message | string;
  /** Mounts of the root filesystem instead of the usual one. */
  readonly rootfs?: readonly Message[];
  /** Part of the container's id. */
  readonly idPart?: string;
  /** Only the order of events of each process by itself is compared, since the client has set none. */
  readonly isUnordered?: boolean;
  /** There are two such containers, in one pod. */
  readonly isPod?: boolean;
  readonly steps: readonly Step[];
}

/** Scenarios of one kind. */
export interface Group {
  readonly name: string;
  /** Whether theirs needs CRIU. */
  readonly needsCriu?: boolean;
  readonly scenarios: readonly Scenario[];
}
