// SPDX-License-Identifier: Apache-2.0
import { Line, splitLines, type ProcText } from '../../common/procfs/line.js';

/** No limit. Source: getrlimit(2). */
export const RLIM_INFINITY = 2n ** 64n - 1n;

/** Names of the resources; the index is the RLIMIT_* number. Source: asm-generic/resource.h. */
export const RESOURCES = [
  'cpu',
  'fsize',
  'data',
  'stack',
  'core',
  'rss',
  'nproc',
  'nofile',
  'memlock',
  'as',
  'locks',
  'sigpending',
  'msgqueue',
  'nice',
  'rtprio',
  'rttime',
] as const;

/** Limit of one resource, in the unit of setrlimit(2) (bytes, seconds, microseconds, a count). */
export interface ResourceLimit {
  readonly resource: (typeof RESOURCES)[number];
  readonly soft: bigint;
  readonly hard: bigint;
}

/** The names of the resources in the file, in RLIMIT_* order. Source: lnames in fs/proc/base.c. */
const TITLES = [
  'Max cpu time',
  'Max file size',
  'Max data size',
  'Max stack size',
  'Max core file size',
  'Max resident set',
  'Max processes',
  'Max open files',
  'Max locked memory',
  'Max address space',
  'Max file locks',
  'Max pending signals',
  'Max msgqueue size',
  'Max nice priority',
  'Max realtime priority',
  'Max realtime timeout',
];

/** Parses /proc/PID/limits: all 16 resources, the index being the RLIMIT_* number. */
export function parseLimits(content: ProcText): readonly ResourceLimit[] {
  const [head, ...lines] = splitLines('limits', content);
  if (!head?.text.startsWith('Limit ')) (head ?? new Line('limits', '')).fail();
  lines[TITLES.length]?.fail();
  return RESOURCES.map((resource, index) => {
    const line = lines[index] ?? new Line('limits', `${resource}: (missing)`).fail();
    const title = TITLES[index] ?? line.fail();
    if (!line.text.startsWith(`${title} `)) line.fail();
    const [, soft, hard] =
      /^ +([0-9]+|unlimited) +([0-9]+|unlimited) +[a-z]* *$/.exec(line.text.slice(title.length)) ??
      line.fail();
    return { resource, soft: parseLimit(line, soft), hard: parseLimit(line, hard) };
  });
}

function parseLimit(line: Line, text: string | undefined): bigint {
  return text === 'unlimited' ? RLIM_INFINITY : line.bigInteger(text);
}
