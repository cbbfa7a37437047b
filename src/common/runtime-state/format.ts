// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../ids.js';

/**
 * Where a container's stdin, stdout and stderr led when it was started, as /proc showed them: such as
 * `/dev/null`, `pipe:[4711]`, `/var/log/x`.
 */
export type StdioLinks = readonly [stdin: string, stdout: string, stderr: string];

/** What a runtime records about a container. */
export interface RuntimeState {
  readonly initPid: HostPid;
  /** Field 22 of proc(5)'s stat when it was created: the pid may have been reused since. */
  readonly initStart: string;
  /** Empty if it is not recorded. */
  readonly bundle: string;
  readonly stdio: StdioLinks | undefined;
}

/** The process that takes the place of a container's init, and the bundle of which it is the container. */
export interface Successor {
  readonly before: { readonly pid: HostPid; readonly bundle: string };
  readonly pid: HostPid;
  readonly start: string;
  readonly bundle: string;
  readonly stdio: StdioLinks;
}

/** How a runtime keeps a container's state. */
export interface StateFormat {
  /** The name of the file in the container's state directory. */
  readonly file: string;
  /** Throws for a text that is not understood. */
  read(text: string): RuntimeState;
  /** The text with another init. Throws for a text that is not understood. */
  replaceInit(text: string, successor: Successor): string;
  /** Replaces what other files of the state directory say about the init. */
  replaceOther?(directory: string, successor: Successor): void;
}
