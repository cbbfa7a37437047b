// SPDX-License-Identifier: Apache-2.0
import { toText, type ProcText } from './line.js';

/** How many texts of one file are remembered: the container's, the host's, and some to spare. */
const TEXTS = 4;

/**
 * Parses a text unless it is one of the last few: much of /proc is the same for all processes of a container, and is
 * read several times in one checkpoint. The result is shared, and must not be changed.
 */
export function remember<T>(parse: (text: string) => T): (content: ProcText) => T {
  const known = new Map<string, T>();
  return (content) => {
    const text = toText(content);
    const before = known.get(text);
    if (before !== undefined) return before;
    const value = parse(text);
    known.set(text, value);
    const [oldest] = known.keys();
    if (known.size > TEXTS && oldest !== undefined) known.delete(oldest);
    return value;
  };
}
