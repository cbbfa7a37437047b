// SPDX-License-Identifier: Apache-2.0
import { closeSync, writeFileSync } from 'node:fs';
import { asHostPid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { forAll } from '../../common/for-all.js';
import {
  MAP_ANONYMOUS,
  MAP_SHARED,
  PAGE,
  PROT_EXEC,
  PROT_READ,
  PROT_READ_WRITE,
} from '../../native/abi/index.js';
import { errnoName, readProcess, SYS } from '../../native/sys.js';
import {
  BATCH_CODE,
  HOME_CODE,
  SYSCALL_INSTRUCTION,
  TWIN_CODE,
  buildFrame,
  frameSize,
} from '../arch/index.js';
import type { KernelArea } from '../memory/memory-plan.js';
import type { Vma } from '../procfs/maps.js';
import { openMapped } from '../procfs/reader.js';
import { mapWithinLimits, whyNotMapped } from './address-limits.js';
import { encodeMark, MARK_AT } from './leftovers.js';
import type { StoppedThread } from './stopped-thread.js';
import type { Tracee } from './tracee.js';

const PAGE_BYTES = Number(PAGE);
/** A page is shared by the arguments of calls and the table of a batch of them. */
const SCRATCH_SIZE = PAGE_BYTES / 2;
const TABLE_AT = PAGE_BYTES + SCRATCH_SIZE;
const TABLE_SIZE = PAGE_BYTES - SCRATCH_SIZE;
/** Offset of {@link BATCH_CODE} in the page of code. */
const BATCH_AT = 16;
/** Offset of {@link TWIN_CODE}, behind the mark. */
const TWIN_AT = 128;
const PROT_READ_EXEC = PROT_READ | PROT_EXEC;
const MAP_SHARED_ANONYMOUS = MAP_SHARED | MAP_ANONYMOUS;

/** Memory of ours in a tracee: a page of code, scratch memory, and a frame for each thread. */
export interface SyscallPage {
  /** Removes the memory. Never throws: a process that refuses has died. */
  remove(): Promise<void>;
}

/**
 * Maps the page, the scratch memory and the frames into a stopped process, by one exposed call, and sends all its
 * threads there. It is shared memory that we fill from outside, so it is charged to our own cgroup, and not to that
 * of the container, which may be at its limit. That call and the one that removes the memory have no way home: if
 * we are killed meanwhile, the tracing process ends them (native/src/tracing_process.h).
 */
export async function injectSyscallPage(
  threads: readonly StoppedThread[],
  areas: readonly Vma[],
): Promise<SyscallPage> {
  const [leader] = threads;
  if (!leader) throw new ShimError('internal', 'a process without threads');
  const instruction = syscallInstruction(leader, areas);
  const layout = layOut(threads);
  const code = await mapPage(leader, instruction, layout.size);
  const page = { remove: () => remove(threads, instruction, { code, size: layout.size }) };
  try {
    fill(threads, code, layout);
    const scratch = { address: code + PAGE, size: SCRATCH_SIZE };
    await forAll([...threads.entries()], ([index, thread]) => {
      const frame = code + BigInt(layout.frames[index] ?? 0);
      return thread.settle({ code, frame, scratch, twin: code + BigInt(TWIN_AT) });
    });
    const args = [scratch.address, layout.size - PAGE_BYTES, PROT_READ_WRITE];
    const [result = -1n] = await leader.remote([{ nr: SYS.mprotect, args }]);
    if (result < 0n) throw refusal(leader, 'make memory writable', result);
    const table = { address: code + BigInt(TABLE_AT), size: TABLE_SIZE };
    for (const thread of threads) thread.batchBy({ code: code + BigInt(BATCH_AT), table });
    return page;
  } catch (error) {
    await page.remove();
    throw error;
  }
}

/** Offsets in the memory, from the page of code: scratch memory and table come first, then the frames. */
interface Layout {
  readonly frames: readonly number[];
  readonly size: number;
}

function layOut(threads: readonly StoppedThread[]): Layout {
  let end = PAGE_BYTES * 2;
  const frames = threads.map((thread) => {
    const at = end;
    end += frameSize(thread.state.xstate.length);
    return at;
  });
  return { frames, size: Math.ceil(end / PAGE_BYTES) * PAGE_BYTES };
}

/** Writes to every page that will be used: later it would be charged to whoever touches it first. */
function fill(threads: readonly StoppedThread[], code: bigint, { frames, size }: Layout): void {
  const bytes = new Uint8Array(size);
  bytes.set(HOME_CODE);
  bytes.set(BATCH_CODE, BATCH_AT);
  bytes.set(encodeMark({ start: code, size }), MARK_AT);
  bytes.set(TWIN_CODE, TWIN_AT);
  threads.forEach((thread, index) => {
    const at = frames[index] ?? 0;
    bytes.set(buildFrame(code + BigInt(at), thread.home), at);
  });
  const pid = threads[0]?.pid ?? asHostPid(0);
  const file = openMapped(pid, { start: code, end: code + BigInt(size) }, 'r+');
  try {
    writeFileSync(file, bytes);
  } finally {
    closeSync(file);
  }
}

/** All of it is executable at first: never writable and executable, which a process may have forbidden itself. */
async function mapPage(leader: StoppedThread, instruction: bigint, size: number): Promise<bigint> {
  const args = [0, size, PROT_READ_EXEC, MAP_SHARED_ANONYMOUS, -1, 0];
  const result = await mapWithinLimits(leader.pid, size, async () => {
    const [at = -1n] = await leader.exposedRemote(instruction, [{ nr: SYS.mmap, args }]);
    return at;
  });
  if (result >= 0n || result < -4095n) return result;
  const what = `${leader.label}: map ${String(size)} bytes that a checkpoint needs in it`;
  throw new ShimError('failedPrecondition', `${what}: ${whyNotMapped(leader.pid, size, result)}`);
}

/** All other threads leave before their way home is unmapped; the leader is put back by the same call. */
async function remove(
  [leader, ...others]: readonly StoppedThread[],
  instruction: bigint,
  { code, size }: { readonly code: bigint; readonly size: number },
): Promise<void> {
  try {
    await forAll(others, (thread) => thread.putBack());
    await leader?.exposedRemote(instruction, [{ nr: SYS.munmap, args: [code, size] }]);
  } catch {
    // It died meanwhile, and its memory is gone.
  }
}

function refusal(leader: StoppedThread, what: string, result: bigint): ShimError {
  const why = errnoName(Number(result));
  return new ShimError('failedPrecondition', `${what} in ${leader.label}: ${why}`);
}

/** Address of a `syscall` instruction in a process's vDSO, which is one of these areas. */
export function syscallInstruction(
  { pid, label }: Pick<Tracee, 'pid' | 'label'>,
  areas: readonly KernelArea[],
): bigint {
  const vdso = areas.find(({ special }) => special === '[vdso]');
  if (!vdso) {
    throw new ShimError('failedPrecondition', `${label}: no vDSO, which is not supported`);
  }
  const code = readProcess(pid, vdso.start, Number(vdso.end - vdso.start), label);
  const at = Buffer.from(code.buffer).indexOf(SYSCALL_INSTRUCTION);
  if (at < 0) throw new ShimError('failedPrecondition', `${label}: its vDSO has no system call`);
  return vdso.start + BigInt(at);
}
