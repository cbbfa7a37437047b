// SPDX-License-Identifier: Apache-2.0

/** A parser that gives its last result again for the same text, as one process after the other may have it. */
export function remember<T>(parse: (text: Uint8Array) => T): (text: Uint8Array) => T {
  let last: { readonly text: Buffer; readonly result: T } | undefined;
  return (text) => {
    if (!last?.text.equals(text)) last = { text: Buffer.from(text), result: parse(text) };
    return last.result;
  };
}
