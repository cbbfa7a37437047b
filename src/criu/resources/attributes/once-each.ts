// SPDX-License-Identifier: Apache-2.0

/** Makes something of each object once: who asks again is given the same, which nobody may change. */
export function onceEach<Key extends object, Args extends readonly unknown[], T>(
  make: (key: Key, ...args: Args) => T,
): (key: Key, ...args: Args) => T {
  const made = new WeakMap<Key, { readonly value: T }>();
  return (key, ...args) => {
    const known = made.get(key) ?? { value: make(key, ...args) };
    made.set(key, known);
    return known.value;
  };
}
