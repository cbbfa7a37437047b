// SPDX-License-Identifier: Apache-2.0
/**
 * How tests run, by the part (folder of test/) that those named on the command line belong to:
 * `ava dist/test/integration/info.test.js`, `ava dist/test/e2e`. Without any: the unit tests, and the fuzzers.
 */
const MINUTES = { unit: 2, fuzz: 2, integration: 10, e2e: 15, clients: 10, apps: 15, kernel: 20 };

const named = process.argv.flatMap((word) => /dist\/test\/(\w+)/.exec(word)?.[1] ?? []);
const parts = named.length > 0 ? [...new Set(named)] : ['unit', 'fuzz'];
const isOnHost = parts.some((part) => part !== 'unit' && part !== 'fuzz');

export default {
  files: parts.map((part) => `dist/test/${part}/**/*.test.js`),
  workerThreads: false,
  // What changes the host runs one file at a time.
  ...(isOnHost && { concurrency: 1 }),
  timeout: `${Math.max(...parts.map((part) => MINUTES[part] ?? 2))}m`,
};
