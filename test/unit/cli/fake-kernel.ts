// SPDX-License-Identifier: Apache-2.0
import type { KernelKind, KernelObject, NewSegment } from '../../../src/criu/index.js';
import type { KernelObjects } from '../../../src/cli/kernel-objects.js';

/** Fake objects of the kernel. */
export class FakeKernel implements KernelObjects {
  readonly attached: (readonly [vas: number, segment: number, isWritable: boolean])[] = [];
  isClosed = false;
  #objects: KernelObject[] = [];

  list(kind: KernelKind): KernelObject[] {
    return this.#objects.filter((object) => object.kind === kind);
  }

  create(name: string, mode: number): number {
    return this.#add('vas', { name, mode, start: 0n, length: 0n });
  }

  createSegment(segment: NewSegment): number {
    return this.#add('segment', segment);
  }

  attachSegment(vas: number, segment: number, isWritable: boolean): void {
    this.attached.push([vas, segment, isWritable]);
  }

  delete(id: number, kind: KernelKind): void {
    this.#objects = this.#objects.filter((object) => object.kind !== kind || object.id !== id);
  }

  close(): void {
    this.isClosed = true;
  }

  #add(kind: KernelKind, { name, mode, start, length }: NewSegment): number {
    const id = this.list(kind).length + 1;
    this.#objects.push({ kind, id, name, mode, uid: 0, gid: 0, bytes: length, start });
    return id;
  }
}
