// SPDX-License-Identifier: Apache-2.0
import { addressOf, syscall } from '../../native/index.js';
import { call, closeFd, cString, SYS } from '../../native/sys.js';
import { ATTR, CALL, FIND, idStructure, INFO, LIST, SIZE, structure } from './kernel-abi.js';

const DEVICE = '/dev/mvas';
const O_RDWR_CLOEXEC = 0o2000002;
const AT_FDCWD = -100;

/** The two kinds of objects that the kernel keeps. */
export type KernelKind = 'vas' | 'segment';

const CALLS = {
  vas: { list: CALL.list, getattr: CALL.getattr },
  segment: { list: CALL.segList, getattr: CALL.segGetattr },
} as const;

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
  /** Where a segment belongs; 0: anywhere. */
  readonly start: bigint;
}

/** The kernel's own VASes, by /dev/mvas; see kernel/include/uapi/mvas.h. */
export class KernelDevice {
  /** Open descriptor of the device. */
  readonly fd: number;
  /** Bits of {@link CAPABILITY}. */
  readonly capabilities: bigint;

  private constructor(fd: number) {
    this.fd = fd;
    this.capabilities = this.#call(
      'ask what it can do',
      CALL.info,
      structure(SIZE.info),
    ).readBigUInt64LE(INFO.capabilities);
  }

  /** undefined where the module is not loaded, or is not for us. The caller closes it. */
  static tryOpen(path = DEVICE): KernelDevice | undefined {
    const fd = syscall(SYS.openat, AT_FDCWD, cString(path), O_RDWR_CLOEXEC, 0);
    if (fd < 0) return undefined;
    try {
      return new KernelDevice(fd);
    } catch {
      closeFd(fd); // Something else of that name.
      return undefined;
    }
  }

  /** The id to a name. @throws ShimError `notFound` */
  find(name: string): number {
    const request = structure(SIZE.find);
    request.write(name, FIND.name);
    return this.#call(`find ${name}`, CALL.find, request).readUInt32LE(FIND.id);
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

  /** Drops a VAS and its memory. */
  delete(id: number): void {
    this.#call(`delete VAS ${String(id)}`, CALL.delete, idStructure(id));
  }

  close(): void {
    closeFd(this.fd);
  }

  /** How many there are; writes as many ids as there is room for. */
  #list(kind: KernelKind, ids: Uint32Array): number {
    const request = structure(SIZE.list);
    const bytes = new Uint8Array(ids.buffer);
    request.writeUInt32LE(ids.length, LIST.capacity);
    if (ids.length > 0) request.writeBigUInt64LE(addressOf(bytes), LIST.ids);
    return this.#call(`list each ${kind}`, CALLS[kind].list, request, bytes).readUInt32LE(
      LIST.count,
    );
  }

  /** undefined when it has been deleted meanwhile. */
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

  /** `alive`: bytes that the request points to. */
  #call(what: string, nr: number, request: Buffer, alive: Uint8Array | null = null): Buffer {
    call(`${DEVICE}: ${what}`, SYS.ioctl, this.fd, nr, request, alive);
    return request;
  }
}
