// SPDX-License-Identifier: Apache-2.0
import type { HostPid, VasId } from '../../common/ids.js';
import type { DonorRuntime } from './donor/donor.js';
import type { TcpMode } from '../constants.js';
import type { Predecessor } from './predecessor.js';
import type { Exit } from '../vas/exit-watch.js';

/** What to restore, and into which surroundings. */
export interface RestoreRequest {
  /** Id of the new container (also its runc id). */
  readonly containerId: string;
  /** The bundle: holds `config.json`, the live spec; its root filesystem is mounted. */
  readonly bundle: string;
  /** Directory of a checkpoint's image files; not trusted. */
  readonly imagePath: string;
  readonly runc: DonorRuntime;
  /** The runtime keeps this container's state in `<runcRoot>/<containerId>`. */
  readonly runcRoot: string;
  /**
   * Called once the image is known, with whether its container had a terminal. Returns the unix
   * socket to which runc is to send the master of a new one (as of `runc create --console-socket`),
   * or undefined for a container without a terminal. The new terminal hangs up once before the
   * restored processes have it, so its master is to be read only when the restore is finished.
   */
  readonly openConsole?: (hadTerminal: boolean) => Promise<string | undefined>;
  /** What becomes of TCP connections to the outside; `close` by default. */
  readonly tcp?: TcpMode;
  /** How the container learns that it is a clone. */
  readonly clone?: CloneRequest | undefined;
  /**
   * Called when all processes are as they were, and none of them runs yet: the runtime can start others in the container.
   * Its error gives the restore up. `signal` is that of the finish.
   */
  readonly beforeRun?: (signal?: AbortSignal) => Promise<void>;
  /** The running container of that id whose place the restored one takes. */
  readonly predecessor?: Predecessor;
  /** Ends the wait for a VAS that is still being filled. */
  readonly signal?: AbortSignal;
}

/** How a restored container learns that it is a clone. */
export interface CloneRequest {
  /** Its number among clones that are made together. */
  readonly index: number | undefined;
  /** The signal that its PID 1 gets before it runs, if it has a handler for it, or blocks it. */
  readonly signal: number | undefined;
}

/** What a restore is finished with. */
export interface FinishRequest {
  /**
   * New stdio: open file descriptors (of this process) that replace the checkpointed container's
   * stdio; `null` means the terminal, or /dev/null. The caller keeps ownership and closes them
   * afterwards.
   */
  readonly stdio: readonly [number | null, number | null, number | null];
  readonly signal?: AbortSignal;
}

/** A restored task. Its init is not a child of the caller. */
export interface RestoredTask {
  /** Pid of the new init in the engine's own pid namespace. */
  readonly pid: HostPid;
  readonly vasId: VasId;
  /** When it began to run, as performance.now() has it. */
  readonly ranAt: number;
  /** Milliseconds of each stage (see stages.ts), in order. `forkCall` covers only the fork of the holder. */
  readonly timingsMs: Readonly<Record<string, number>>;
  /**
   * Resolves when init has exited, with the exit status as a shell counts it (128 + signal), and
   * the time of exit. Never rejects; the status is 255 if it cannot be known.
   */
  readonly exited: Promise<Exit>;
}
