// SPDX-License-Identifier: Apache-2.0

/**
 * Gives equal values that follow each other one object, which is frozen: it is encoded once (`common/wire`). Most processes
 * of a container are forks of each other.
 */
export class Interned<T extends object> {
  #last: T | undefined;

  of(value: T): T {
    if (this.#last === undefined || !isEqual(value, this.#last)) this.#last = Object.freeze(value);
    return this.#last;
  }
}

/** Whether two parts of an entry say the same. */
function isEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object') return false;
  if (one === null || other === null) return false;
  if (one instanceof Uint8Array) {
    return other instanceof Uint8Array && Buffer.compare(one, other) === 0;
  }
  const [names, others] = [Object.keys(one), Object.keys(other)];
  const [these, those] = [one as Fields, other as Fields];
  return (
    names.length === others.length &&
    names.every((name) => name in those && isEqual(these[name], those[name]))
  );
}

type Fields = Readonly<Record<string, unknown>>;
