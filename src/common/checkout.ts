// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The path of a file of this checkout. Holds for the compiled module and for bundles, which lie at the same depth. */
export function fileOfCheckout(path: string): string {
  return fileURLToPath(new URL(`../../../${path}`, import.meta.url));
}

/** The version of this project. */
export function projectVersion(): string {
  const text = readFileSync(fileOfCheckout('package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
