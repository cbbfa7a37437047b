// SPDX-License-Identifier: Apache-2.0

/**
 * Does something in another working directory. Synchronous, so no other work sees it. Where we were may
 * have been removed, as the bundle of a group's first container is: then we are in `/` afterwards.
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

/** Node remembers what cwd() said before: it may name what is gone. */
function goBack(directory: string): void {
  try {
    process.chdir(directory);
  } catch {
    process.chdir('/');
  }
}
