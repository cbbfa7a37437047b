// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, statSync, writeFileSync } from 'node:fs';
import { ownPid } from '../../../common/ids.js';
import {
  MADV_DONTDUMP,
  MADV_DONTFORK,
  MADV_HUGEPAGE,
  MADV_NOHUGEPAGE,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_GROWSDOWN,
  MAP_NORESERVE,
  MAP_PRIVATE_ANONYMOUS,
  MAP_SHARED,
  O,
  PAGE,
  PROT_EXEC,
  PROT_READ,
  PROT_READ_WRITE,
} from '../../../native/abi/index.js';
import { syscall } from '../../../native/index.js';
import { closeFd, SYS } from '../../../native/sys.js';
import { makeAsync, register } from '../../../native/userfaultfd.js';
import { loadAreaFlags } from '../../../native/area-flags.js';
import { learnFrom } from './area-flags.js';

const NONE = 0;
const PROTECTIONS = [
  NONE,
  PROT_READ,
  PROT_READ_WRITE,
  PROT_READ | PROT_EXEC,
  PROT_READ_WRITE | PROT_EXEC,
];
/** What they may be mapped with before that: what has ever been writable stays accounted. */
const FIRST = [NONE, PROT_READ, PROT_READ_WRITE];
const KINDS = [0, MAP_NORESERVE, MAP_GROWSDOWN];
const ADVICE = [0, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTDUMP, MADV_DONTFORK];
const PAGE_BYTES = Number(PAGE);
const LOAD_EVERY_MS = 60_000;

/** Shared memory: without a file, and of a file that is open only for reading. */
const SHARED = [
  { protection: PROT_READ_WRITE, flags: MAP_ANONYMOUS, isOfFile: false },
  { protection: PROT_READ, flags: MAP_ANONYMOUS, isOfFile: false },
  { protection: PROT_READ, flags: 0, isOfFile: true },
];

interface Sample {
  readonly kind: number;
  readonly first: number;
  readonly protection: number;
  readonly advice: number;
  readonly isTracked: boolean;
}

/**
 * Has flags of areas read by BPF from now on, in this process and in those that it forks. Learns what those mean that
 * processes usually have, from areas of this process: its own, and samples, which are unmapped again. Takes some tens of
 * milliseconds.
 *
 * @param stamp a file that says when a program was last loaded on this host. That is done once a minute at most, which is
 * how long a standby lives at least
 */
export function learnUsualFlags(stamp: string): void {
  if (!loadAreaFlags(() => isDue(stamp))) return;
  const samples = allSamples();
  const size = 2 * (samples.length + SHARED.length) * PAGE_BYTES;
  const start = syscall(SYS.mmap, 0, size, NONE, MAP_PRIVATE_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start < 0) return;
  const tracker = syscall(SYS.userfaultfd, O.cloexec);
  if (tracker >= 0) makeAsync(tracker);
  const file = openSync('/proc/self/exe', 'r');
  // Between them are pages of another sort, so that no two become one area.
  let next = start;
  const place = (): number => (next += 2 * PAGE_BYTES) - PAGE_BYTES;
  try {
    for (const sample of samples) make(place(), sample, tracker);
    for (const { protection, flags, isOfFile } of SHARED) {
      const fd = isOfFile ? file : -1;
      syscall(SYS.mmap, place(), PAGE_BYTES, protection, MAP_SHARED | MAP_FIXED | flags, fd, 0);
    }
    learnFrom(ownPid());
  } finally {
    syscall(SYS.munmap, start, size);
    closeSync(file);
    if (tracker >= 0) closeFd(tracker);
  }
}

/** Whether a program may be loaded; if so, notes that it is. */
export function isDue(stamp: string): boolean {
  const last = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const age = Date.now() - last;
  if (age >= 0 && age < LOAD_EVERY_MS) return false;
  writeFileSync(stamp, '', { mode: 0o600 });
  return true;
}

function allSamples(): Sample[] {
  return [false, true].flatMap((isTracked) =>
    KINDS.flatMap((kind) =>
      FIRST.flatMap((first) =>
        PROTECTIONS.flatMap((protection) =>
          ADVICE.map((advice) => ({ kind, first, protection, advice, isTracked })),
        ),
      ),
    ),
  );
}

/** Makes a page; what the kernel refuses stays as it is, and teaches something else. */
function make(
  at: number,
  { kind, first, protection, advice, isTracked }: Sample,
  fd: number,
): void {
  const flags = MAP_PRIVATE_ANONYMOUS | MAP_FIXED | kind;
  syscall(SYS.mmap, at, PAGE_BYTES, first, flags, -1, 0);
  syscall(SYS.mprotect, at, PAGE_BYTES, protection);
  if (advice !== 0) syscall(SYS.madvise, at, PAGE_BYTES, advice);
  if (isTracked && fd >= 0) register(fd, BigInt(at), PAGE);
}
