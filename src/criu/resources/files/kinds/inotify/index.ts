// SPDX-License-Identifier: Apache-2.0
import { fstatSync, type BigIntStats } from 'node:fs';
import { logger } from '../../../../../common/log.js';
import { syscall } from '../../../../../native/index.js';
import { closeFd, SYS } from '../../../../../native/sys.js';
import type { InotifyFileEntry, InotifyWdEntry } from '../../../../image/types.js';
import type { FdInfo } from '../../../../procfs/fdinfo.js';
import { words, type Line } from '../../../../../common/procfs/line.js';
import type { MountInfo } from '../../../../../common/procfs/mountinfo.js';
import { IOCTL, O, RESOLVE } from '../../../../../native/abi/index.js';
import { ContainerRoot } from '../../names/container-path.js';
import type { DumpContext } from '../../dump-context.js';
import type { OpenFile } from '../../open-file.js';
import { dumpOwner } from '../../owner.js';
import type { FileKind } from '../../kind.js';
import type { PlanContext } from '../../plan-context.js';
import { anonymousName } from '../anonymous.js';
import { cPath, ioctlInt, openAt2, openOwn, ownLink } from '../../system.js';
import { InotifyOverflow } from './overflow.js';

const log = logger('files');

/**
 * An inotify instance: its watches by path. Unread events can be neither looked at nor created; a restored instance
 * reports in their place that events were lost (IN_Q_OVERFLOW), as any program must expect.
 */
export const INOTIFY: FileKind<'ify'> = {
  type: 'INOTIFY',
  body: 'ify',
  claims: (file) => anonymousName(file) === 'inotify',
  dump,
  open,
};

function dump(context: DumpContext, file: OpenFile): InotifyFileEntry {
  const { id, own, where, flags } = file;
  const bytes = ioctlInt(own, IOCTL.fionread) ?? 0;
  if (bytes > 0) {
    const message = 'unread inotify events become IN_Q_OVERFLOW';
    context.warnings.push({ log, message, fields: { where, bytes } });
  }
  const wd = inotifyWatches(file.info).map((watch) => dumpWatch(context, file, watch));
  const entry = { id, flags, fown: dumpOwner(context, file), wd };
  return bytes > 0 ? { ...entry, mvas_overflow: true } : entry;
}

/** By the file handle if the file system decodes it, otherwise by a search, which fills in the path. */
function dumpWatch(context: DumpContext, file: OpenFile, watch: InotifyWatch): InotifyWdEntry {
  const mounts = [...context.mounts.values()].filter(
    ({ dev }) => (BigInt(dev.major) << 20n) + BigInt(dev.minor) === watch.sdev,
  );
  for (const mount of mounts) {
    const path = pathOfHandle(context, watch, mount);
    if (path !== undefined) return watchEntry(file, watch, path);
  }
  const entry = watchEntry(file, watch, '');
  context.names.want({
    inode: watch.inode,
    mounts: mounts.map(({ mountPoint }) => mountPoint),
    settle: (path) => {
      const inode = `inode ${String(watch.inode)}`;
      if (path !== undefined) entry.f_handle.path = path;
      else
        context.refusals.add(
          file.where,
          `watches ${inode}, whose path cannot be found; remedy: remove the watch`,
        );
    },
  });
  return entry;
}

function watchEntry(file: OpenFile, watch: InotifyWatch, path: string): InotifyWdEntry {
  const bytes = Buffer.alloc(Math.ceil((watch.handle?.bytes.length ?? 0) / 8) * 8);
  bytes.set(watch.handle?.bytes ?? []);
  const words = Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readBigUInt64LE(i * 8));
  return {
    id: file.id,
    i_ino: watch.inode,
    mask: watch.mask,
    ignored_mask: 0,
    s_dev: Number(watch.sdev & 0xffffffffn),
    wd: watch.wd,
    f_handle: {
      bytes: watch.handle?.bytes.length ?? 0,
      type: watch.handle?.type ?? 0,
      handle: words,
      path,
    },
  };
}

function pathOfHandle(
  context: DumpContext,
  { handle }: InotifyWatch,
  mount: MountInfo,
): string | undefined {
  if (!handle) return undefined;
  const raw = Buffer.alloc(8 + handle.bytes.length);
  raw.writeUInt32LE(handle.bytes.length, 0);
  raw.writeInt32LE(handle.type, 4);
  raw.set(handle.bytes, 8);
  const root = openOwn(`/proc/${String(context.init.pid)}/root`, O.path | O.directory);
  const top = openAt2(root, mount.mountPoint, O.rdonly | O.nonblock, RESOLVE.inRoot);
  closeFd(root);
  if (top < 0) return undefined;
  const fd = syscall(SYS.open_by_handle_at, top, raw, O.path | O.cloexec);
  closeFd(top);
  if (fd < 0) return undefined;
  try {
    const path = ownLink(fd);
    const stat: BigIntStats = fstatSync(fd, { bigint: true });
    return context.shared(ContainerRoot).leadsTo(path, stat) ? path : undefined;
  } finally {
    closeFd(fd);
  }
}

/** Creates an inotify instance and its watches, each under its old number (INOTIFY_IOC_SETNEXTWD, Linux 4.16). */
function open(plan: PlanContext, entry: InotifyFileEntry, number: number): void {
  const { stage } = plan;
  const what = `file ${String(entry.id)}: inotify`;
  const flags = (entry.flags & O.nonblock) | O.cloexec;
  stage.make(what, number, SYS.inotify_init1, [flags]);
  if (entry.mvas_overflow) plan.shared(InotifyOverflow).plan(what, number);
  for (const { wd, mask, f_handle: handle } of entry.wd) {
    const path = handle.path ?? '';
    const watching = `${what} on ${path}`;
    const data = stage.builder.data(cPath(path), 1);
    stage.run(watching, SYS.ioctl, [number, IOCTL.setNextWd, wd]);
    stage.run(watching, SYS.inotify_add_watch, [number, data, mask], wd);
  }
}

/** What fdinfo says of an instance. */
export function inotifyWatches({ details }: FdInfo): InotifyWatch[] {
  return details.filter(({ text }) => text.startsWith('inotify ')).map(parseWatch);
}

/** A watch of an inotify instance. Source: inotify_fdinfo() in fs/notify/fdinfo.c. */
interface InotifyWatch {
  readonly wd: number;
  readonly inode: bigint;
  /** Device of the inode's superblock as the kernel keeps it: major << 20 | minor. */
  readonly sdev: bigint;
  /** IN_* bits. */
  readonly mask: number;
  /** Handle for open_by_handle_at(2); undefined if the file system gives none. */
  readonly handle: { readonly type: number; readonly bytes: Uint8Array } | undefined;
}

/** Parses `inotify wd:1 ino:… sdev:… mask:… ignored_mask:… [fhandle-bytes:… fhandle-type:… f_handle:…]`. */
function parseWatch(line: Line): InotifyWatch {
  const fields = new Map<string, string>();
  for (const word of words(line.text).slice(1)) {
    const colon = word.indexOf(':');
    if (colon < 0) line.fail();
    fields.set(word.slice(0, colon), word.slice(colon + 1));
  }
  return {
    wd: line.hexInteger(fields.get('wd')),
    inode: line.hex(fields.get('ino')),
    sdev: line.hex(fields.get('sdev')),
    mask: line.hexInteger(fields.get('mask')),
    handle: parseHandle(line, fields),
  };
}

function parseHandle(line: Line, fields: ReadonlyMap<string, string>): InotifyWatch['handle'] {
  const size = fields.get('fhandle-bytes');
  if (size === undefined) return undefined;
  const text = line.present(fields.get('f_handle'));
  const bytes = Uint8Array.from(Buffer.from(text, 'hex'));
  if (bytes.length !== line.hexInteger(size) || text.length !== 2 * bytes.length) line.fail();
  return { type: line.hexInteger(fields.get('fhandle-type')), bytes };
}
