// SPDX-License-Identifier: Apache-2.0

/** An asynchronous mutex, fair in order of arrival. */
export class Mutex {
  #tail: Promise<void> = Promise.resolve();

  /** Runs `work` once all earlier holders are done. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#tail;
    let release: () => void = () => undefined;
    this.#tail = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    try {
      return await work();
    } finally {
      release();
    }
  }
}
