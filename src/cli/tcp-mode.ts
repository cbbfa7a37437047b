// SPDX-License-Identifier: Apache-2.0
import { TCP_MODES, type TcpMode } from '../criu/constants.js';
import { UsageError } from './usage.js';

/** Options that say what becomes of TCP connections; two are CRIU's. */
export interface TcpOptions {
  readonly tcp?: string | undefined;
  readonly 'tcp-established'?: boolean | undefined;
  readonly 'tcp-close'?: boolean | undefined;
}

/** The one mode that the options name, or undefined. @throws UsageError for several, and for unknown ones */
export function tcpModeOf(options: TcpOptions): TcpMode | undefined {
  const named = [
    options.tcp,
    options['tcp-established'] ? 'keep' : undefined,
    options['tcp-close'] ? 'close' : undefined,
  ].filter((one) => one !== undefined);
  const [text, ...others] = new Set(named);
  if (text === undefined) return undefined;
  if (others.length > 0) throw new UsageError(`--tcp is both ${[text, ...others].join(' and ')}`);
  const mode = TCP_MODES.find((one) => one === text);
  if (mode) return mode;
  throw new UsageError(`not one of ${TCP_MODES.join(', ')}: '${text}'`);
}
