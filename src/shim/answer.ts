// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { ShimError } from '../common/errors.js';
import type { ShimArgs } from './args.js';
import type { Spec } from './bundle.js';

/**
 * How containerd is to talk to the daemon. The daemon serves all of them on one socket, so containers of
 * a group may differ.
 *
 * - `ttrpc`: as any containerd does, version 2 of the task API, a `start` for each container.
 * - `ttrpc-v3`: version 3. containerd 2 then asks for one `start` for each pod, not each container.
 * - `grpc`: gRPC, which containerd 1.7 speaks. containerd 2 considers any gRPC shim dead at once (it watches a
 * connection that it has yet to make: core/runtime/v2/shim.go, grpcDialContext) and gets `ttrpc-v3`.
 */
export type Protocol = 'ttrpc' | 'ttrpc-v3' | 'grpc';

const PROTOCOLS: readonly string[] = ['ttrpc', 'ttrpc-v3', 'grpc'] satisfies Protocol[];
/** Annotation of a container that asks for a protocol; the variable does it for all. */
export const PROTOCOL_ANNOTATION = 'mvas.protocol';
const PROTOCOL_VARIABLE = 'MVAS_PROTOCOL';
const VERSION_TIMEOUT_MS = 5_000;

/** What decides the answer of `start`. */
export interface Asker {
  readonly args: Pick<ShimArgs, 'publishBinary'>;
  readonly spec: Spec;
  readonly env: NodeJS.ProcessEnv;
  /** containerd's version if it is known (from 2.3 on); otherwise empty. */
  readonly containerdVersion: string;
}

/**
 * What `start` prints: the address of the daemon's socket, or JSON if anything but the default is wanted and
 * containerd understands it (containerd core/runtime/v2/binary.go; 1.7 accepts only version 2, 1.6 no JSON).
 *
 * @throws ShimError `invalidArgument` for an unknown protocol
 */
export function startAnswer(socket: string, asker: Asker): string {
  const protocol = wantedProtocol(asker);
  const plain = `unix://${socket}`;
  // containerd 1.6 does not say which versions it accepts; it is not asked if the default is wanted.
  if (protocol === 'ttrpc' || asker.env['MAX_SHIM_VERSION'] === undefined) return plain;
  if (containerdMajor(asker) >= 2) {
    return JSON.stringify({ version: 3, address: plain, protocol: 'ttrpc' });
  }
  if (protocol === 'ttrpc-v3') return plain;
  return JSON.stringify({ version: 2, address: socket, protocol: 'grpc' });
}

function wantedProtocol({ spec, env }: Asker): Protocol {
  const wanted = spec.annotations?.[PROTOCOL_ANNOTATION] ?? env[PROTOCOL_VARIABLE];
  if (wanted === undefined || wanted === '') return 'ttrpc';
  if (isProtocol(wanted)) return wanted;
  const known = PROTOCOLS.join(', ');
  throw new ShimError(
    'invalidArgument',
    `${PROTOCOL_ANNOTATION} ${JSON.stringify(wanted)} is none of ${known}`,
  );
}

function isProtocol(text: string): text is Protocol {
  return PROTOCOLS.includes(text);
}

/** From the request, or by asking its executable, which `-publish-binary` names; 1 when in doubt. */
function containerdMajor({ containerdVersion, args }: Asker): number {
  const text = containerdVersion || ask(args.publishBinary);
  return Number(/(?:^|[\s v])(\d+)\.\d+\.\d+/.exec(text)?.[1] ?? 1);
}

function ask(binary: string): string {
  const options = { encoding: 'utf8', timeout: VERSION_TIMEOUT_MS } as const;
  return spawnSync(binary, ['--version'], options).stdout;
}
