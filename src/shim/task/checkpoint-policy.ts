// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import {
  EXEC_MODES,
  TCP_MODES,
  TWIN_MODES,
  type ExecMode,
  type TcpMode,
  type TwinMode,
} from '../../criu/constants.js';
import { LEASE_MODES, parseTtl, type LeaseMode, type Ttl } from '../../common/lease-mode.js';
import type { CloneRequest } from '../../criu/index.js';
import { logger } from '../../common/log.js';
import { PROTOCOL_ANNOTATION } from '../answer.js';
import type { Options as MvasOptions } from '../../common/messages/mvas-options.js';
import {
  cloneHook,
  cloneRequest,
  HOOK,
  HOOK_LIMIT,
  HOOK_REQUIRED,
  INDEX,
  SIGNAL,
  type CloneHook,
} from './clone-policy.js';
import { FALLBACK, RESTORE, SHARE } from './warm-start.js';
import { parseWhen, WHEN, type When } from './when.js';

const log = logger('task');

/** What a container says about its checkpoints, by options or annotations: docs/options.md. */
export interface CheckpointPolicy {
  readonly refuse: boolean;
  /** Whether a Checkpoint request without options ends the container. */
  readonly exit: boolean;
  /** Limit for the memory of a VAS, in bytes; undefined: no limit of its own. */
  readonly vasMemoryLimit: number | undefined;
  /** Milliseconds for which momentary refusals are retried; undefined: the default. */
  readonly retryMs: number | undefined;
  /** What becomes of TCP connections to the outside at a restore; undefined: the default. */
  readonly tcp: TcpMode | undefined;
  /** What a checkpoint does with processes that came by exec; undefined: the default. */
  readonly exec: ExecMode | undefined;
  /** Whether memory is copied from twins of its processes; undefined: the default. */
  readonly twin: TwinMode | undefined;
  /** Whether each checkpoint starts from the last one. */
  readonly series: boolean;
  /** When a VAS ends that is not used; undefined: as the configuration says. */
  readonly ttlMs: Ttl | undefined;
  /** Whether a VAS ends with its image; undefined: as the configuration says. */
  readonly lease: LeaseMode | undefined;
  /** How a restored container learns that it is a clone. */
  readonly clone: CloneRequest;
  /** What is run in it before its processes run. */
  readonly hook: CloneHook | undefined;
  /** When its own snapshot is taken, for later containers like it. */
  readonly when: When | undefined;
}

const PREFIX = 'mvas.';
const REFUSE = 'mvas.checkpoint';
const EXIT = 'mvas.checkpoint.exit';
const LIMIT = 'mvas.vas.memory-limit';
/** Annotation: when a VAS of the container ends that is not used. */
export const TTL = 'mvas.vas.ttl';
const LEASE = 'mvas.vas.lease';
const RETRY = 'mvas.checkpoint.retry-ms';
const TCP = 'mvas.tcp';
const EXEC = 'mvas.exec';
const TWIN = 'mvas.checkpoint.twin';
const SERIES = 'mvas.checkpoint.series';
const KNOWN = [
  ...[REFUSE, EXIT, LIMIT, TTL, LEASE, RETRY, TCP, EXEC, TWIN, SERIES],
  ...[
    RESTORE,
    WHEN,
    FALLBACK,
    SHARE,
    INDEX,
    SIGNAL,
    HOOK,
    HOOK_LIMIT,
    HOOK_REQUIRED,
    PROTOCOL_ANNOTATION,
  ],
];

/**
 * The policy of a container; annotations override options.
 *
 * @throws ShimError `invalidArgument` naming the annotation
 */
export function checkpointPolicy(
  options: Partial<MvasOptions> = {},
  annotations: Readonly<Record<string, string>>,
): CheckpointPolicy {
  warnOfUnknown(annotations);
  const { [REFUSE]: refuse, [EXIT]: exit, [LIMIT]: limit, [RETRY]: retry } = annotations;
  return {
    refuse: choice(REFUSE, refuse, ['refuse', 'allow']) ?? options.refuseCheckpoint ?? false,
    exit: choice(EXIT, exit, ['true', 'false']) ?? options.exitAfterCheckpoint ?? false,
    vasMemoryLimit: bytes(limit) ?? fromOption(options.vasMemoryLimit),
    retryMs: milliseconds(retry) ?? fromOption(options.checkpointRetryMs),
    tcp: mode(TCP, [annotations[TCP], options.tcp], TCP_MODES),
    exec: mode(EXEC, [annotations[EXEC], options.exec], EXEC_MODES),
    twin: mode(TWIN, [annotations[TWIN]], TWIN_MODES),
    series: choice(SERIES, annotations[SERIES], ['true', 'false']) ?? false,
    ttlMs: ttl(annotations[TTL]),
    lease: mode(LEASE, [annotations[LEASE]], LEASE_MODES),
    clone: cloneRequest(annotations),
    hook: cloneHook(annotations),
    when: parseWhen(annotations[WHEN]),
  };
}

function warnOfUnknown(annotations: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(annotations)) {
    if (name.startsWith(PREFIX) && !KNOWN.includes(name)) {
      log.warn('annotation is not known', { name });
    }
  }
}

/** Whether a value is the first of two. */
function choice(
  name: string,
  value: string | undefined,
  [yes, no]: readonly [string, string],
): boolean | undefined {
  if (value === undefined) return undefined;
  if (value !== yes && value !== no) throw bad(name, value, `${yes} or ${no}`);
  return value === yes;
}

/** An empty string is what protobuf makes of a field that is not set. */
function mode<T extends string>(
  name: string,
  [annotation, option = '']: readonly (string | undefined)[],
  modes: readonly T[],
): T | undefined {
  const value = annotation ?? option;
  if (value === '') return undefined;
  const known = modes.find((one) => one === value);
  if (known === undefined) throw bad(name, value, `one of ${modes.join(', ')}`);
  return known;
}

function bytes(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!/^[1-9]\d*$/.test(value) || !Number.isSafeInteger(number)) {
    throw bad(LIMIT, value, 'a number of bytes');
  }
  return number;
}

function ttl(value: string | undefined): Ttl | undefined {
  if (value === undefined) return undefined;
  const parsed = parseTtl(value);
  if (parsed === undefined) throw bad(TTL, value, 'a time such as 90s, 15m, 12h or 7d, or none');
  return parsed;
}

function milliseconds(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/.test(value)) throw bad(RETRY, value, 'a number of milliseconds');
  return Number(value);
}

function fromOption(value: bigint | undefined): number | undefined {
  return value === undefined || value === 0n ? undefined : Number(value);
}

function bad(name: string, value: string, wanted: string): ShimError {
  const message = `annotation ${name} is ${JSON.stringify(value)}, not ${wanted}`;
  return new ShimError('invalidArgument', message);
}
