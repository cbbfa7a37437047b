// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { AT_FDCWD, O } from '../../native/abi/index.js';
import { addressOf, syscall } from '../../native/index.js';
import { call, closeFd, cString, errnoName, SYS } from '../../native/sys.js';
import {
  ATTR,
  CALL,
  CREATE,
  FIND,
  idStructure,
  INFO,
  LIST,
  SEG_ATTACH,
  SEG_CREATE,
  SIZE,
  structure,
} from './kernel-abi.js';

const DEVICE = '/dev/mvas';

/** The two kinds of objects that the kernel keeps. */
export type KernelKind = 'vas' | 'segment';

const CALLS = {
  vas: { list: CALL.list, getattr: CALL.getattr, find: CALL.find, delete: CALL.delete },
  segment: {
    list: CALL.segList,
    getattr: CALL.segGetattr,
    find: CALL.segFind,
    delete: CALL.segDelete,
  },
} as const;

/** Why the device cannot be opened, and what to do, by errno. */
const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT:
    'the module mvas is not loaded; remedy: modprobe mvas (kernel/README.md: how to build it)',
  ENXIO: 'the module mvas is no longer loaded; remedy: modprobe mvas',
  EACCES: 'it is not for this user; remedy: be root, or of its group (mvas)',
  ENOTTY: 'it is something else of that name, or a module that is older or newer than this program',
};

/** A segment to be created. */
export interface NewSegment {
  readonly name: string;
  /** Permissions, as of a file. */
  readonly mode: number;
  /** The VAS it belongs to; 0: any. */
  readonly start: bigint;
  /** Bytes. */
  readonly length: bigint;
}

/** A VAS or a segment of the kernel. */
export interface KernelObject {
  readonly kind: KernelKind;
  readonly id: number;
  /** May be empty. */
  readonly name: string;
  /** Permissions, as of a file. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Resident memory of a VAS, length of a segment. */
  readonly bytes: bigint;
  /** The VAS that a segment belongs to; 0: any. */
  readonly start: bigint;
}

/** The kernel's own VASes, through /dev/mvas; see kernel/include/uapi/mvas.h. */
export class KernelDevice {
  /** Open descriptor of the device. */
  readonly fd: number;
  /** Version of the calls. */
  readonly version: number;
  /** Bits of {@link CAPABILITY}. */
  readonly capabilities: bigint;

  private constructor(fd: number) {
    this.fd = fd;
    const info = this.#call('ask what it can do', CALL.info, structure(SIZE.info));
    this.version = info.readUInt32LE(INFO.version);
    this.capabilities = info.readBigUInt64LE(INFO.capabilities);
  }

  /** Undefined if the module is not loaded, or we may not use it. The caller closes it. */
  static tryOpen(path = DEVICE): KernelDevice | undefined {
    try {
      return KernelDevice.open(path);
    } catch {
      return undefined;
    }
  }

  /** The caller closes it. @throws ShimError `failedPrecondition` that says what to do */
  static open(path = DEVICE): KernelDevice {
    const fd = syscall(SYS.openat, AT_FDCWD, cString(path), O.rdwr | O.cloexec, 0);
    if (fd < 0) throw cannotOpen(path, errnoName(fd));
    try {
      return new KernelDevice(fd);
    } catch (cause) {
      closeFd(fd);
      throw cannotOpen(path, 'ENOTTY', cause);
    }
  }

  /** The id of a name. @throws ShimError `notFound` */
  find(name: string, kind: KernelKind = 'vas'): number {
    const request = structure(SIZE.find);
    request.write(name, FIND.name);
    return this.#call(`find ${kind} ${name}`, CALLS[kind].find, request).readUInt32LE(FIND.id);
  }

  /** Creates a VAS without memory; returns its id. */
  create(name: string, mode: number): number {
    const request = structure(SIZE.create);
    request.writeUInt32LE(mode, CREATE.mode);
    request.write(name, CREATE.name);
    return this.#call(`create vas ${name}`, CALL.create, request).readUInt32LE(CREATE.id);
  }

  /** Creates a segment of zeros; returns its id. */
  createSegment({ name, mode, start, length }: NewSegment): number {
    const request = structure(SIZE.segCreate);
    request.writeUInt32LE(mode, SEG_CREATE.mode);
    request.writeBigUInt64LE(start, SEG_CREATE.start);
    request.writeBigUInt64LE(length, SEG_CREATE.length);
    request.write(name, SEG_CREATE.name);
    const made = this.#call(`create segment ${name}`, CALL.segCreate, request);
    return made.readUInt32LE(SEG_CREATE.id);
  }

  /** Processes that exec the VAS get the segment, too. */
  attachSegment(vas: number, segment: number, isWritable: boolean): void {
    const request = structure(SIZE.segAttach);
    request.writeUInt32LE(vas, SEG_ATTACH.vasId);
    request.writeUInt32LE(segment, SEG_ATTACH.segId);
    request.writeUInt32LE(isWritable ? O.rdwr : 0, SEG_ATTACH.access);
    const what = `attach segment ${String(segment)} to vas ${String(vas)}`;
    this.#call(what, CALL.segAttach, request);
  }

  /** All objects of a kind that we can see. */
  list(kind: KernelKind = 'vas'): KernelObject[] {
    const count = this.#list(kind, new Uint32Array(0));
    const ids = new Uint32Array(count);
    const found = Math.min(this.#list(kind, ids), count);
    return [...ids.subarray(0, found)].flatMap((id) => {
      const object = this.#attributes(kind, id);
      return object ? [object] : [];
    });
  }

  /** Drops an object and its memory. */
  delete(id: number, kind: KernelKind = 'vas'): void {
    this.#call(`delete ${kind} ${String(id)}`, CALLS[kind].delete, idStructure(id));
  }

  close(): void {
    closeFd(this.fd);
  }

  /** Returns how many there are; writes as many ids as there is room for. */
  #list(kind: KernelKind, ids: Uint32Array): number {
    const request = structure(SIZE.list);
    const bytes = new Uint8Array(ids.buffer);
    request.writeUInt32LE(ids.length, LIST.capacity);
    if (ids.length > 0) request.writeBigUInt64LE(addressOf(bytes), LIST.ids);
    return this.#call(`list each ${kind}`, CALLS[kind].list, request, bytes).readUInt32LE(
      LIST.count,
    );
  }

  /** Undefined if it has been deleted meanwhile. */
  #attributes(kind: KernelKind, id: number): KernelObject | undefined {
    const bytes = structure(SIZE.attr);
    bytes.writeUInt32LE(id, ATTR.id);
    if (syscall(SYS.ioctl, this.fd, CALLS[kind].getattr, bytes) < 0) return undefined;
    return {
      kind,
      id,
      name: bytes.toString('utf8', ATTR.name, bytes.indexOf(0, ATTR.name)),
      mode: bytes.readUInt32LE(ATTR.mode),
      uid: bytes.readUInt32LE(ATTR.uid),
      gid: bytes.readUInt32LE(ATTR.gid),
      bytes: bytes.readBigUInt64LE(ATTR.bytes),
      start: bytes.readBigUInt64LE(ATTR.start),
    };
  }

  /** `alive`: bytes that the request points to, which must stay reachable. */
  #call(what: string, nr: number, request: Buffer, alive: Uint8Array | null = null): Buffer {
    call(`${DEVICE}: ${what}`, SYS.ioctl, this.fd, nr, request, alive);
    return request;
  }
}

function cannotOpen(path: string, errno: string, cause?: unknown): ShimError {
  const why = REMEDIES[errno] ?? errno;
  return new ShimError('failedPrecondition', `cannot use ${path}: ${why}`, { cause });
}
