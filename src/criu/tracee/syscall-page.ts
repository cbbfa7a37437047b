// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import type { Tracer } from '../../native/index.js';
import { errnoName, readProcess, SYS } from '../../native/sys.js';
import { readMaps } from '../procfs/reader.js';
import { buildFrame, frameSize, HOME_CODE } from './home.js';
import type { StoppedThread } from './stopped-thread.js';

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
 * Maps the page, the scratch memory and the frames into a stopped process, by one exposed call (a
 * window of microseconds in which our death would harm it), and sends all its threads there.
 */
export async function injectSyscallPage(
  _tracer: Tracer,
  threads: readonly StoppedThread[],
): Promise<SyscallPage> {
  const [leader] = threads;
  if (!leader) throw new ShimError('internal', 'a process without threads');
  const instruction = syscallInstruction(leader.pid);
  const frames = threads.map((thread) => frameSize(thread.state.xstate.length));
  const dataSize = roundUp(SCRATCH_SIZE + frames.reduce((sum, size) => sum + size, 0));
  const code = await map(leader, instruction, PROT_READ_EXEC, PAGE);
  leader.forceWrite(code, HOME_CODE);
  await leader.putBack();
  const data = await map(leader, instruction, PROT_READ_WRITE, dataSize);
  await leader.putBack();
  let frame = data + BigInt(SCRATCH_SIZE);
  for (const [index, thread] of threads.entries()) {
    thread.writeMemory(frame, buildFrame(frame, thread.home));
    await thread.settle({ code, frame, scratch: { address: data, size: SCRATCH_SIZE } });
    frame += BigInt(frames[index] ?? 0);
  }
  return {
    remove: async () => {
      try {
        await leader.exposedRemote(instruction, [
          { nr: SYS.munmap, args: [code, PAGE] },
          { nr: SYS.munmap, args: [data, dataSize] },
        ]);
      } catch {
        // Died meanwhile; so did its memory.
      }
    },
  };
}

async function map(leader: StoppedThread, instruction: bigint, prot: number, size: number) {
  const args = [0, size, prot, MAP_PRIVATE_ANONYMOUS, -1, 0];
  const [result = -1n] = await leader.exposedRemote(instruction, [{ nr: SYS.mmap, args }]);
  if (result < 0n && result >= -4095n) {
    const what = `map ${String(size)} bytes in pid ${String(leader.nsPid)}`;
    throw new ShimError('failedPrecondition', `${what}: ${errnoName(Number(result))}`);
  }
  return result;
}

function roundUp(size: number): number {
  return Math.ceil(size / PAGE) * PAGE;
}

/** Address of a `syscall` instruction in the process's vDSO. */
export function syscallInstruction(pid: number): bigint {
  const vdso = readMaps(pid).find((vma) => vma.special === '[vdso]');
  if (!vdso) {
    throw new ShimError(
      'failedPrecondition',
      `pid ${String(pid)} has no vDSO, which is not supported`,
    );
  }
  const code = readProcess(pid, vdso.start, Number(vdso.end - vdso.start));
  const at = Buffer.from(code).indexOf(Buffer.of(0x0f, 0x05));
  if (at < 0)
    throw new ShimError('failedPrecondition', `the vDSO of pid ${String(pid)} has no syscall`);
  return vdso.start + BigInt(at);
}
