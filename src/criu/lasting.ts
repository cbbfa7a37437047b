// SPDX-License-Identifier: Apache-2.0

/**
 * What looks at a container find out and leave open, for later looks of the same checkpoint. Each thing has a key
 * that names all that it depends on: where that has changed, so has the key, and it is found out anew.
 */
export class Lasting {
  readonly #things = new Map<string, unknown>();
  readonly #closers: (() => void)[] = [];

  /** What is known by a key, or else what `make` finds; that is not kept if it is undefined. */
  get<T>(key: string, make: () => T): T {
    const known = this.#things.get(key) as T | undefined;
    if (known !== undefined) return known;
    const made = make();
    if (made !== undefined) this.#things.set(key, made);
    return made;
  }

  /** Registers work for {@link close}. */
  atClose(close: () => void): void {
    this.#closers.push(close);
  }

  /** Closes what is open. The container need not stand still for it. */
  close(): void {
    for (const close of this.#closers.splice(0)) close();
    this.#things.clear();
  }
}
