// SPDX-License-Identifier: Apache-2.0
import type { HostSurvey } from '../criu/index.js';
import type { KernelObjects } from './kernel-objects.js';
import type { VasStore } from './vas-store.js';

/** The environment that the command line runs in. */
export interface CliContext {
  /** Version of the project. */
  readonly version: string;
  /** Whether the user is root; others are told to become root. */
  readonly isRoot: boolean;
  /** Opens the store; not called for help. May throw `permissionDenied`. */
  readonly openStore: () => Promise<VasStore>;
  /** Opens the kernel module's objects; the caller closes them. May throw `failedPrecondition`. */
  readonly openKernel: () => Promise<KernelObjects>;
  /** Surveys this host. */
  readonly survey: () => Promise<HostSurvey>;
  /** Where executables are looked for: PATH. */
  readonly searchPath: string;
  readonly writeOut: (text: string) => void;
  readonly writeError: (text: string) => void;
  readonly now: () => Date;
}
