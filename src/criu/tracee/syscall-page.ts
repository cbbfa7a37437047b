// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { errnoName, readProcess, SYS } from '../../native/sys.js';
import { readMaps } from '../procfs/reader.js';
import { buildFrame, frameSize, HOME_CODE } from './home.js';
import { encodeMark, MARK_AT } from './remains.js';
import type { StoppedThread } from './stopped-thread.js';
import type { Tracee } from './tracee.js';

const PAGE = 4096;
const SCRATCH_SIZE = 65536;
const PROT_READ_WRITE = 3;
const PROT_READ_EXEC = 5;
const MAP_PRIVATE_ANONYMOUS = 0x22;

/** Memory of ours in a tracee: a page of code, scratch memory, and a frame for each thread. */
export interface SyscallPage {
  /** Takes the memory out. Never throws: a process that refuses has died. */
  remove(): Promise<void>;
}

/**
 * Maps the page, the scratch memory and the frames into a stopped process, by one exposed call, and
 * sends all its threads there. That call and the one that takes the memory out have no way home: should
 * we be killed meanwhile, the tracing process ends them (native/src/tracing_process.h).
 */
export async function injectSyscallPage(threads: readonly StoppedThread[]): Promise<SyscallPage> {
  const [leader] = threads;
  if (!leader) throw new ShimError('internal', 'a process without threads');
  const instruction = syscallInstruction(leader);
  const layout = layOut(threads);
  const code = await mapPage(leader, instruction, layout.size);
  const page = { remove: () => remove(threads, instruction, { code, size: layout.size }) };
  try {
    leader.forceWrite(code, HOME_CODE);
    leader.forceWrite(code + BigInt(MARK_AT), encodeMark({ start: code, size: layout.size }));
    const scratch = { address: code + BigInt(PAGE), size: SCRATCH_SIZE };
    for (const [index, thread] of threads.entries()) {
      const frame = code + BigInt(layout.frames[index] ?? 0);
      leader.forceWrite(frame, buildFrame(frame, thread.home));
      await thread.settle({ code, frame, scratch });
    }
    const args = [scratch.address, layout.size - PAGE, PROT_READ_WRITE];
    const [result = -1n] = await leader.remote([{ nr: SYS.mprotect, args }]);
    if (result < 0n) throw refusal(leader, 'make memory writable', result);
    return page;
  } catch (error) {
    await page.remove();
    throw error;
  }
}

/** Offsets from the code page: scratch memory comes first, then the frames. */
function layOut(threads: readonly StoppedThread[]): { frames: number[]; size: number } {
  let end = PAGE + SCRATCH_SIZE;
  const frames = threads.map((thread) => {
    const at = end;
    end += frameSize(thread.state.xstate.length);
    return at;
  });
  return { frames, size: Math.ceil(end / PAGE) * PAGE };
}

/** Executable at first, all of it: never writable and executable, which a process may have forsworn. */
async function mapPage(leader: StoppedThread, instruction: bigint, size: number): Promise<bigint> {
  const args = [0, size, PROT_READ_EXEC, MAP_PRIVATE_ANONYMOUS, -1, 0];
  const [result = -1n] = await leader.exposedRemote(instruction, [{ nr: SYS.mmap, args }]);
  if (result < 0n && result >= -4095n) throw refusal(leader, `map ${String(size)} bytes`, result);
  return result;
}

/** All other threads leave before their way home goes; the leader is put back in the same stroke. */
async function remove(
  [leader, ...others]: readonly StoppedThread[],
  instruction: bigint,
  { code, size }: { readonly code: bigint; readonly size: number },
): Promise<void> {
  try {
    for (const thread of others) await thread.putBack();
    await leader?.exposedRemote(instruction, [{ nr: SYS.munmap, args: [code, size] }]);
  } catch {
    // Died meanwhile; so did its memory.
  }
}

function refusal(leader: StoppedThread, what: string, result: bigint): ShimError {
  const why = errnoName(Number(result));
  return new ShimError('failedPrecondition', `${what} in ${leader.label}: ${why}`);
}

/** Address of a `syscall` instruction in a process's vDSO. `maps`: what it maps, where that is known. */
export function syscallInstruction(
  { pid, label }: Pick<Tracee, 'pid' | 'label'>,
  maps = readMaps(pid),
): bigint {
  const vdso = maps.find((vma) => vma.special === '[vdso]');
  if (!vdso) {
    throw new ShimError('failedPrecondition', `${label}: no vDSO, which is not supported`);
  }
  const code = readProcess(pid, vdso.start, Number(vdso.end - vdso.start), label);
  const at = Buffer.from(code).indexOf(Buffer.of(0x0f, 0x05));
  if (at < 0) throw new ShimError('failedPrecondition', `${label}: its vDSO has no system call`);
  return vdso.start + BigInt(at);
}
