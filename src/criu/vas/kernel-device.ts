// SPDX-License-Identifier: Apache-2.0
import { addressOf, syscall } from '../../native/index.js';
import { call, closeFd, cString, SYS } from '../../native/sys.js';
import { ATTR, CALL, FIND, idStructure, INFO, LIST, SIZE, structure } from './kernel-abi.js';

const DEVICE = '/dev/mvas';
const O_RDWR_CLOEXEC = 0o2000002;
const AT_FDCWD = -100;

/** A VAS of the kernel. */
export interface KernelVas {
  readonly id: number;
  readonly name: string;
  /** Bytes of resident memory. */
  readonly bytes: bigint;
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

  /** All VASes that we can see. */
  list(): KernelVas[] {
    const count = this.#list(new Uint32Array(0));
    const ids = new Uint32Array(count);
    const found = Math.min(this.#list(ids), count);
    return [...ids.subarray(0, found)].flatMap((id) => {
      const vas = this.#attributes(id);
      return vas ? [vas] : [];
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
  #list(ids: Uint32Array): number {
    const request = structure(SIZE.list);
    const bytes = new Uint8Array(ids.buffer);
    request.writeUInt32LE(ids.length, LIST.capacity);
    if (ids.length > 0) request.writeBigUInt64LE(addressOf(bytes), LIST.ids);
    return this.#call('list VASes', CALL.list, request, bytes).readUInt32LE(LIST.count);
  }

  /** undefined when it has been deleted meanwhile. */
  #attributes(id: number): KernelVas | undefined {
    const request = structure(SIZE.attr);
    request.writeUInt32LE(id, ATTR.id);
    if (syscall(SYS.ioctl, this.fd, CALL.getattr, request) < 0) return undefined;
    const name = request.toString('utf8', ATTR.name, request.indexOf(0, ATTR.name));
    return { id, name, bytes: request.readBigUInt64LE(ATTR.bytes) };
  }

  /** `alive`: bytes that the request points to. */
  #call(what: string, nr: number, request: Buffer, alive: Uint8Array | null = null): Buffer {
    call(`${DEVICE}: ${what}`, SYS.ioctl, this.fd, nr, request, alive);
    return request;
  }
}
