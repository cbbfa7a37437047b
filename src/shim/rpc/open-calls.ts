// SPDX-License-Identifier: Apache-2.0
import { mark } from '../../common/trace.js';
import type { Method, MethodTable } from './methods.js';

/** The calls that have not been answered yet, in any protocol. */
export class OpenCalls {
  readonly #calls = new Set<{ readonly name: string; readonly began: number }>();

  /** The same methods, whose calls are recorded here while they run. */
  watch(methods: MethodTable): MethodTable {
    return new Map([...methods].map(([path, method]) => [path, this.#watched(path, method)]));
  }

  /** Their methods, each with its age in milliseconds, the oldest first. */
  list(): string[] {
    const now = performance.now();
    return [...this.#calls].map(({ name, began }) => `${name}:${Math.round(now - began)}ms`);
  }

  #watched(path: string, method: Method): Method {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return async (payload, context) => {
      const call = { name, began: performance.now() };
      this.#calls.add(call);
      mark(`call ${name}`);
      try {
        return await method(payload, context);
      } finally {
        this.#calls.delete(call);
        mark(`answer ${name}`);
      }
    };
  }
}
