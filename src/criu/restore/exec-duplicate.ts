// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import type { HostPid, NsPid } from '../../common/ids.js';
import {
  MAP_FIXED_NOREPLACE,
  MAP_PRIVATE_ANONYMOUS,
  MAP_SHARED,
  PAGE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from '../../native/abi/index.js';
import type { Tracer } from '../../native/index.js';
import { errnoError, readProcess, SYS } from '../../native/sys.js';
import { registerWords, stackPointer } from '../arch/index.js';
import { subtract, type Range } from '../memory/ranges.js';
import { WORK } from '../plan/abi.js';
import type { Vma } from '../procfs/maps.js';
import { readMaps } from '../procfs/reader.js';
import { encodeCalls, forceWrite } from '../tracee/remote-calls.js';
import { syscallInstruction } from '../tracee/syscall-page.js';
import type { RemoteCall } from '../tracee/tracee.js';
import { CALL } from '../vas/kernel-abi.js';

const PAGE_MASK = PAGE - 1n;
const EBUSY = -16;
const TRIES = 200;
const PAUSE_MS = 2;

/** A process that stands at a breakpoint of its plan, and the duplicate that it execs. */
export interface ExecTarget {
  readonly hostPid: HostPid;
  readonly nsPid: NsPid;
  /** Where the restorer's own range begins. */
  readonly base: bigint;
  /** Address of its `struct mvas_exec`. */
  readonly request: bigint;
  /** Its descriptors of /dev/mvas and of the plan. */
  readonly fds: { readonly device: number; readonly plan: number };
  /** What a process maps: anything else that the duplicate has is unmapped. */
  readonly areasOf: (nsPid: NsPid) => readonly Range[];
}

/** Memory of ours that the process takes along. */
interface Piece extends Range {
  readonly protection: number;
  /** Where the content that it needs begins, and that content. */
  readonly from: bigint;
  readonly content: Uint8Array;
}

/**
 * Replaces the memory of a process by the kernel's duplicate (MVAS_EXEC) and lets it go on. The
 * duplicate lacks the process's own range: the tracer writes code and stack of the restorer there
 * again, and the plan is mapped again. Then the process stands at its breakpoint as before.
 */
export async function execDuplicate(tracer: Tracer, target: ExecTarget): Promise<void> {
  const { hostPid, base, request, fds } = target;
  const [state] = await tracer.readThreads(Int32Array.of(hostPid));
  if (state?.error !== 0) throw errnoError('read registers', state?.error ?? 0);
  const stack = stackPointer(registerWords(state.registers));
  const before = readMaps(hostPid);
  const plan = before.find(({ start }) => start === base + WORK.plan);
  const pieces = before
    .filter(({ start, end }) => start >= base && end <= base + WORK.vdso)
    .map((vma) => pack(hostPid, vma, stack));

  await new Remote(tracer, target, before).exec([fds.device, CALL.exec, request]);

  const after = readMaps(hostPid);
  const mapped = after.filter(({ special }) => special !== '[vsyscall]');
  const planSize = plan ? plan.end - plan.start : 0n;
  const planFlags = MAP_SHARED | MAP_FIXED_NOREPLACE;
  await new Remote(tracer, target, after).calls('bring its own range along', [
    ...subtract(mapped, target.areasOf(target.nsPid)).map(({ start, end }) => {
      return { nr: SYS.munmap, args: [start, end - start] };
    }),
    ...pieces.map(({ start, end, protection }) => {
      const flags = MAP_PRIVATE_ANONYMOUS | MAP_FIXED_NOREPLACE;
      return { nr: SYS.mmap, args: [start, end - start, protection, flags, -1, 0] };
    }),
    {
      nr: SYS.mmap,
      args: [base + WORK.plan, planSize, PROT_READ | PROT_WRITE, planFlags, fds.plan, 0],
    },
  ]);
  for (const { from, content } of pieces) forceWrite(hostPid, from, content);
  const error = await tracer.writeThread(hostPid, state.registers, null, null);
  if (error !== 0) throw errnoError('set registers', error);
}

/** The used part of the stack; all of the code. */
function pack(
  pid: HostPid,
  { start, end, exec }: Range & { readonly exec: boolean },
  stack: bigint,
): Piece {
  const from = stack > start && stack < end ? stack & ~PAGE_MASK : start;
  const content = readProcess(pid, from, Number(end - from));
  const protection = exec ? PROT_READ | PROT_EXEC : PROT_READ | PROT_WRITE;
  return { start, end, protection, from, content };
}

/** System calls inside the process, through the vDSO that it maps. */
class Remote {
  readonly #tracer: Tracer;
  readonly #target: ExecTarget;
  readonly #instruction: bigint;

  constructor(tracer: Tracer, target: ExecTarget, maps: readonly Vma[]) {
    this.#tracer = tracer;
    this.#target = target;
    const { hostPid: pid, nsPid } = target;
    this.#instruction = syscallInstruction({ pid, label: `pid ${String(nsPid)}` }, maps);
  }

  /** A reader of a file in /proc/PID shares the process's memory for a moment (EBUSY). */
  async exec(args: RemoteCall['args']): Promise<void> {
    for (let tries = 1; ; tries++) {
      const [result = -1n] = await this.#make([{ nr: SYS.ioctl, args }]);
      if (result === 0n) return;
      if (Number(result) !== EBUSY || tries === TRIES) {
        throw this.#error('exec its memory', result);
      }
      await delay(PAUSE_MS);
    }
  }

  async calls(what: string, calls: readonly RemoteCall[]): Promise<void> {
    const results = await this.#make(calls);
    const bad = results.find((result) => result < 0n && result >= -4095n);
    if (bad !== undefined) throw this.#error(what, bad);
  }

  async #make(calls: readonly RemoteCall[]): Promise<bigint[]> {
    const { hostPid } = this.#target;
    const words = encodeCalls(calls);
    const made = await this.#tracer.remoteCalls(hostPid, this.#instruction, 0n, words);
    const [error = 0n, ...results] = made;
    if (error !== 0n) throw this.#error('make a system call', error);
    return results;
  }

  #error(what: string, errno: bigint): Error {
    return errnoError(`restore pid ${String(this.#target.nsPid)}: ${what}`, Number(errno));
  }
}
