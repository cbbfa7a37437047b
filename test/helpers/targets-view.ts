// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * What a container looks like from outside, without what may change: one text per key such as
 * `7.status.Uid`, `7.maps`, `7.thread.9.comm`; processes and threads by their ids inside.
 */
export interface View {
  readonly facts: ReadonlyMap<string, string>;
  /** Host pid and start time of each process, by its pid inside. */
  readonly identities: ReadonlyMap<string, string>;
}

const IDENTITY_FIELDS = ['NSpgid', 'NSsid'];
const PROCESS_FIELDS = ['Umask', 'Threads', 'ShdPnd', 'THP_enabled'];
const THREAD_FIELDS = [
  ...['Uid', 'Gid', 'Groups', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs'],
  ...['Seccomp', 'Seccomp_filters', 'SigPnd', 'SigBlk', 'SigIgn', 'SigCgt', 'Cpus_allowed'],
];
const PROCESS_FILES = [
  ...['limits', 'environ', 'cmdline', 'oom_score_adj', 'personality', 'coredump_filter'],
];

/**
 * Looks at all processes in the pid namespace of a container's init, except for a PID 1 that is another one. `stdio`: where
 * its FIFOs lie.
 */
export function viewOf(initPid: number, stdio: string): View {
  const facts = new Map<string, string>();
  const identities = new Map<string, string>();
  const labels = new Map<string, string>();
  for (const pid of membersOf(initPid)) {
    const folder = `/proc/${pid}`;
    const status = parseStatus(text(`${folder}/status`));
    const inside = lastWord(status.get('NSpid'));
    if (inside === '') continue;
    identities.set(inside, `${pid}@${statFields(folder)[19] ?? ''}`);
    const isInit = pid === String(initPid);
    for (const [key, value] of processFacts(folder, status, isInit))
      facts.set(`${inside}.${key}`, value);
    facts.set(`${inside}.fds`, descriptors(folder, stdio, labels));
    for (const [key, value] of threadFacts(folder)) facts.set(`${inside}.${key}`, value);
  }
  return { facts, identities };
}

/** Keys on which two views differ, each with both texts, except for keys that may vary. */
export function differences(before: View, after: View, varies: readonly string[]): string[] {
  const keys = [...new Set([...before.facts.keys(), ...after.facts.keys()])].sort();
  const mayVary = (key: string): boolean => {
    const local = key.slice(key.indexOf('.') + 1);
    return varies.some((start) => local.startsWith(start) || local.endsWith(`.${start}`));
  };
  // For a process that has ended or appeared, its state says enough.
  const hasChanged = (key: string): boolean => before.facts.get(key) !== after.facts.get(key);
  const changed = new Set(
    keys.filter((key) => key.endsWith('.state') && hasChanged(key)).map((key) => ownerOf(key)),
  );
  return keys
    .filter((key) => key.endsWith('.state') || !changed.has(ownerOf(key)))
    .filter((key) => hasChanged(key) && !mayVary(key))
    .map((key) => `${key}:\n${lineDifference(before.facts.get(key), after.facts.get(key))}`);
}

/** Whether a container's init is alive. */
export function isInitAlive(initPid: number): boolean {
  const state = statFields(`/proc/${String(initPid)}`)[0] ?? '';
  return initPid > 0 && state !== '' && state !== 'Z';
}

/** True when no thread is running, so that a view shows a state at rest; `whose`: of init only, or of all. */
export function isAtRest(initPid: number, whose: 'init' | 'all'): boolean {
  const pids = whose === 'init' ? [String(initPid)] : membersOf(initPid);
  return pids.every((pid) =>
    entries(`/proc/${pid}/task`).every((tid) => {
      const state = statFields(`/proc/${pid}/task/${tid}`)[0];
      return state !== 'R';
    }),
  );
}

/** The process that a key describes: its pid inside. */
function ownerOf(key: string): string {
  return key.slice(0, key.indexOf('.'));
}

function lineDifference(before = '(absent)', after = '(absent)'): string {
  const old = before.split('\n');
  const now = after.split('\n');
  return [
    ...old.filter((line) => !now.includes(line)).map((line) => `  - ${line}`),
    ...now.filter((line) => !old.includes(line)).map((line) => `  + ${line}`),
  ].join('\n');
}

/** Host pids of the processes whose pid namespace is the init's, ascending by their pids inside. */
function membersOf(initPid: number): string[] {
  const namespace = link(`/proc/${String(initPid)}/ns/pid`);
  if (namespace === '') return [];
  return entries('/proc')
    .filter((name) => /^\d+$/.test(name) && link(`/proc/${name}/ns/pid`) === namespace)
    .map((pid) => ({
      pid,
      inside: Number(lastWord(parseStatus(text(`/proc/${pid}/status`)).get('NSpid'))),
    }))
    .filter(({ pid, inside }) => inside !== 1 || pid === String(initPid))
    .sort((a, b) => a.inside - b.inside)
    .map(({ pid }) => pid);
}

function processFacts(
  folder: string,
  status: ReadonlyMap<string, string>,
  isInit: boolean,
): [string, string][] {
  const stat = statFields(folder);
  const state = stat[0] ?? '';
  const isZombie = state === 'Z';
  const facts: [string, string][] = [
    ['state', state === 'T' || isZombie ? state : 'alive'],
    ['exit_code', stat[49] ?? ''],
  ];
  if (!isInit) facts.push(['parent', insidePid(stat[1] ?? '')]);
  for (const name of IDENTITY_FIELDS) facts.push([`status.${name}`, lastWord(status.get(name))]);
  if (isZombie) return facts;
  for (const name of PROCESS_FIELDS) facts.push([`status.${name}`, status.get(name) ?? '']);
  for (const name of PROCESS_FILES) facts.push([name, text(`${folder}/${name}`)]);
  // The ids in `notify: signal/pid.41` are the host's.
  facts.push(['timers', text(`${folder}/timers`).replace(/(pid|tid)\.\d+/g, '$1')]);
  for (const name of ['exe', 'cwd', 'root']) facts.push([name, link(`${folder}/${name}`)]);
  return [...facts, ['maps', normalizeMaps(text(`${folder}/maps`))]];
}

/** PF_IO_WORKER of the kernel. */
const IO_WORKER = 0x10;

function threadFacts(folder: string): [string, string][] {
  return entries(`${folder}/task`).flatMap((tid): [string, string][] => {
    const thread = `${folder}/task/${tid}`;
    const status = parseStatus(text(`${thread}/status`));
    const stat = statFields(thread);
    if (Number(stat[6]) & IO_WORKER) return []; // The kernel's, for an io_uring: it comes and goes.
    const key = `thread.${lastWord(status.get('NSpid'))}`;
    const comm: [string, string] = [`${key}.comm`, text(`${thread}/comm`)];
    if (stat[0] === 'Z') return [comm];
    return [
      comm,
      [`${key}.nice`, stat[16] ?? ''],
      [`${key}.priority`, `${stat[37] ?? ''} policy ${stat[38] ?? ''}`],
      ...THREAD_FIELDS.map((name): [string, string] => [`${key}.${name}`, status.get(name) ?? '']),
    ];
  });
}

/**
 * Drops device and inode, joins adjacent mappings that are alike. Addresses stay. Only the process
 * that maps shared anonymous memory first can have it under its own name again: for others a memfd
 * called `/dev/zero` counts as the same.
 */
export function normalizeMaps(maps: string): string {
  const lines: { start: string; end: string; rest: string; name: string }[] = [];
  for (const line of maps.split('\n')) {
    const match = /^(\w+)-(\w+) (\S+) (\w+) \S+ \d+\s*(.*)$/.exec(line);
    if (!match) continue;
    const [, start = '', end = '', protection = '', offset = '', rawName = ''] = match;
    const name = rawName.replace(/^\/memfd:\/dev\/zero /, '/dev/zero ');
    const last = lines.at(-1);
    // An offset has a meaning only in a file.
    const isFile = name.startsWith('/');
    const origin = isFile ? BigInt(`0x${offset}`) - BigInt(`0x${start}`) : 0n;
    const rest = `${protection} ${String(origin)}`;
    if (last?.end === start && last.rest === rest && last.name === name) last.end = end;
    else lines.push({ start, end, rest, name });
  }
  return lines.map(({ start, end, rest, name }) => `${start}-${end} ${rest} ${name}`).join('\n');
}

const FDINFO_LINES =
  /^(pos|flags|eventfd-count|eventfd-semaphore|sigmask|clockid|inotify wd:\S+|tfd)/;

/** One line per descriptor; objects without a name are numbered in order of their first appearance. */
function descriptors(folder: string, stdio: string, labels: Map<string, string>): string {
  const label = (target: string): string => {
    if (target.startsWith(stdio)) return 'stdio';
    if (!/^[a-z]+:\[\d+\]$/.test(target)) return target;
    const known = labels.get(target);
    if (known !== undefined) return known;
    const fresh = `${target.slice(0, target.indexOf(':'))} #${String(labels.size)}`;
    labels.set(target, fresh);
    return fresh;
  };
  return entries(`${folder}/fd`)
    .map(Number)
    .sort((a, b) => a - b)
    .map((fd) => {
      const target = label(link(`${folder}/fd/${String(fd)}`));
      if (target === 'stdio' || (target === '/dev/null' && fd === 0)) return `${String(fd)} stdio`;
      const info = text(`${folder}/fdinfo/${String(fd)}`);
      return `${String(fd)} ${target} ${normalizeFdinfo(info)}`;
    })
    .join('\n');
}

function normalizeFdinfo(info: string): string {
  return info
    .split('\n')
    .filter((line) => FDINFO_LINES.test(line))
    .map((line) =>
      line
        .replace(/\s+/g, ' ')
        .replace(/ pos:\w+ ino:.*$/, '')
        .replace(/ ino:\w+ sdev:\w+/, '')
        .replace(/ (ignored_mask|fhandle).*$/, '')
        .replace(/(?<=^tfd: \d+ events: )\w+/, withoutImpliedEvents),
    )
    .sort() // the kernel lists an epoll's interests by address
    .join('; ');
}

/** EPOLLERR and EPOLLHUP, which epoll_ctl always adds and a used EPOLLONESHOT clears: eventpoll.c. */
function withoutImpliedEvents(events: string): string {
  return (BigInt(`0x${events}`) & ~0x18n).toString(16);
}

/** Fields of stat after the command's name: index 0 is the state, proc_pid_stat(5) field 3. */
function statFields(folder: string): string[] {
  const line = text(`${folder}/stat`);
  return line
    .slice(line.lastIndexOf(')') + 2)
    .trim()
    .split(' ');
}

function insidePid(hostPid: string): string {
  return lastWord(parseStatus(text(`/proc/${hostPid}/status`)).get('NSpid'));
}

function parseStatus(content: string): Map<string, string> {
  return new Map(
    content
      .split('\n')
      .map((line) => /^(\w+):\s*(.*?)\s*$/.exec(line))
      .filter((match) => match !== null)
      .map((match): [string, string] => [match[1] ?? '', match[2] ?? '']),
  );
}

function lastWord(value = ''): string {
  return value.split(/\s+/).at(-1) ?? '';
}

/** Processes come and go while we look: what cannot be read is empty, and shows as a difference. */
function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function entries(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
