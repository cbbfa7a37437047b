// SPDX-License-Identifier: Apache-2.0

/**
 * Runs work in another working directory. Synchronous, so no other work sees it. The original one may have been
 * removed, as is the bundle of a group's first container: then we are in `/` afterwards.
 */
export function inDirectory<T>(directory: string, work: () => T): T {
  const before = currentDirectory();
  process.chdir(directory);
  try {
    return work();
  } finally {
    goBack(before);
  }
}

function currentDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
}

/** Node caches what cwd() returned, which may be gone. */
function goBack(directory: string): void {
  try {
    process.chdir(directory);
  } catch {
    process.chdir('/');
  }
}
