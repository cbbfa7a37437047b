// SPDX-License-Identifier: Apache-2.0
import type { StdioLinks } from '../../../common/runtime-state.js';
import { AF, S_IF } from '../../../native/abi/index.js';
import type { DumpContext } from './dump-context.js';
import { inodeKey, type OpenFile } from './open-file.js';
import { canRead, canWrite } from './access.js';
import { EXEC_STREAM } from './files-image.js';
import { otherEndIsGone } from './kinds/pipe-data.js';
import { hasOtherEnd, isPlainPipe, pipeEntry } from './kinds/pipe.js';
import { UnixSockets } from './kinds/unix/dump.js';
import { pathFileOf } from './path-file.js';
import { familyOf } from './sockets/family.js';
import type { FileEntry } from '../../image/types.js';

const STDIO = [0, 1, 2] as const;
const NAMES = ['stdin', 'stdout', 'stderr'] as const;

/**
 * Finds the open files that are the container's stdio, by their ids: those that refer to what it was started with,
 * in any process and under any number; descriptors 0 to 2 of its init whose other end, or whose file, is outside
 * the container; and all other open files on the same. Refuses files on the same that permit more than those do.
 */
export function findStdio(
  context: DumpContext,
  links: StdioLinks | undefined,
): ReadonlyMap<number, number> {
  const ofExecs = execStreams(context);
  const streams = findStreams(context, links, ofExecs);
  const found = new Map<number, number>();
  for (const [which, file] of streams) if (!found.has(file.id)) found.set(file.id, which);
  for (const file of context.open.files) {
    if (found.has(file.id)) continue;
    const stream = streamOf(context, file, streams, ofExecs);
    if (stream !== undefined) found.set(file.id, stream);
  }
  return found;
}

/** The stream that another open file on the same belongs to. */
function streamOf(
  context: DumpContext,
  file: OpenFile,
  streams: ReadonlyMap<number, OpenFile>,
  ofExecs: ReadonlySet<string>,
): number | undefined {
  const key = inodeKey(file.stat);
  const isOfExec = ofExecs.has(key);
  if (isOfExec && isDevice(file)) return EXEC_STREAM;
  const same = [...streams].filter(([, one]) => inodeKey(one.stat) === key);
  const [covering] = same.filter(([, one]) => covers(one.flags, file.flags));
  const [stream] = covering ?? same[0] ?? [];
  if (stream === undefined) return isOfExec ? EXEC_STREAM : undefined;
  if (!covering) refuseMore(context, file, stream);
  return stream;
}

/**
 * What execs were started with: descriptors 0 to 2, whose other end, or whose file, is outside, of processes in
 * sessions that the container's init has not made. Execs make these, and may have ended since.
 */
function execStreams(context: DumpContext): ReadonlySet<string> {
  if (!context.keepsExecs) return new Set();
  const tables = context.open.tables.filter(({ owner, sharers }) =>
    [owner, ...sharers].some(({ proc }) => proc.status().nsSid.at(-1) !== context.init.nsPid),
  );
  const files = tables.flatMap(({ descriptors }) =>
    descriptors.filter(({ fd }) => fd < STDIO.length).map(({ file }) => file),
  );
  const isStream = (file: OpenFile): boolean =>
    isForeign(context, file) && !(isPlainPipe(file) && otherEndIsGone(file));
  return new Set(files.filter(isStream).map(({ stat }) => inodeKey(stat)));
}

/** One open file for each of stdin, stdout and stderr that the container still has. */
function findStreams(
  context: DumpContext,
  links: StdioLinks | undefined,
  ofExecs: ReadonlySet<string>,
): ReadonlyMap<number, OpenFile> {
  const { open, init } = context;
  const table = open.tables.find(({ owner, sharers }) => [owner, ...sharers].includes(init));
  const descriptor = (fd: number): OpenFile | undefined =>
    table?.descriptors.find((one) => one.fd === fd)?.file;
  const streams = new Map<number, OpenFile>();
  for (const which of STDIO) {
    const leadsThere = (file: OpenFile): boolean =>
      file.link === links?.[which] && isOutside(context, file);
    const own = descriptor(which);
    const isOther = (file: OpenFile): boolean => isDevice(file) && ofExecs.has(inodeKey(file.stat));
    const file =
      own && leadsThere(own) ? own : open.files.find((one) => leadsThere(one) && !isOther(one));
    if (file) streams.set(which, file);
  }
  const known = new Set([...streams.values()].map(({ stat }) => inodeKey(stat)));
  for (const which of STDIO) {
    const own = descriptor(which);
    if (streams.has(which) || !own || known.has(inodeKey(own.stat))) continue;
    if (isForeign(context, own)) streams.set(which, own);
  }
  return streams;
}

/** Whoever opens /dev/null has the same one. */
function isDevice({ type }: OpenFile): boolean {
  return type === S_IF.chr;
}

/** Whether what a link names can be outside: the container may have a file of the same name. */
function isOutside({ mounts }: DumpContext, { link, info }: OpenFile): boolean {
  return !link.startsWith('/') || !mounts.has(info.mountId);
}

function refuseMore({ refusals }: DumpContext, file: OpenFile, which: number): void {
  const what = `${file.link} is the container's ${NAMES[which] ?? ''}, and open for more than that`;
  refusals.add(file.where, `${what}; remedy: close it`);
}

/** Whether one access mode permits everything that another one does. */
function covers(mine: number, wanted: number): boolean {
  return (!canRead(wanted) || canRead(mine)) && (!canWrite(wanted) || canWrite(mine));
}

function isForeign(context: DumpContext, file: OpenFile): boolean {
  if (file.type === S_IF.sock) {
    return familyOf(file) === AF.unix && context.shared(UnixSockets).hasForeignPeer(file);
  }
  if (isPlainPipe(file)) return !hasOtherEnd(context, file);
  return file.link.startsWith('/') && !context.mounts.has(file.info.mountId);
}

/**
 * Describes an open file that is one of the container's stdio: just enough for CRIU's tools to show what it was.
 */
export function describeStdio(context: DumpContext, file: OpenFile): Omit<FileEntry, 'id'> {
  if (isPlainPipe(file)) return { type: 'PIPE', pipe: pipeEntry(context, file) };
  if (file.type === S_IF.sock) {
    return { type: 'UNIXSK', usk: context.shared(UnixSockets).dumpForeign(file) };
  }
  const { flags, fown, link: name, stat } = pathFileOf(context, file);
  const mode = Number(stat.mode);
  return { type: 'REG', reg: { id: file.id, flags, pos: 0n, fown, name, mode, build_id: [] } };
}
