// SPDX-License-Identifier: Apache-2.0
import type { VasStore } from './vas-store.js';

/** What the command line runs in. */
export interface CliContext {
  /** Version of the project. */
  readonly version: string;
  /** Opens the store; not called for help. May throw `permissionDenied`. */
  readonly openStore: () => Promise<VasStore>;
  readonly writeOut: (text: string) => void;
  readonly writeError: (text: string) => void;
  readonly now: () => Date;
}
