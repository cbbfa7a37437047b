// SPDX-License-Identifier: Apache-2.0
import { closeSync, writeFileSync } from 'node:fs';
import { asHostPid, type HostPid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { forAll } from '../../common/for-all.js';
import { errnoName, readProcess, SYS } from '../../native/sys.js';
import { SYSCALL_INSTRUCTION, buildFrame } from '../arch/index.js';
import type { KernelArea } from '../memory/memory-plan.js';
import type { Vma } from '../procfs/maps.js';
import { openMapped } from '../procfs/reader.js';
import { mapWithinLimits, whyNotMapped } from './address-limits.js';
import {
  batchSiteAt,
  encodeCode,
  layOut,
  mapCall,
  protectCall,
  siteAt,
  type Layout,
} from './residence.js';
import type { StoppedThread } from './stopped-thread.js';
import type { Tracee } from './tracee.js';

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
  const page = pageAt(threads, instruction, { code, size: layout.size });
  try {
    fill(threads, code, layout);
    await forAll([...threads.entries()], ([index, thread]) =>
      thread.settle(siteAt(code, layout.frames[index] ?? 0)),
    );
    const [result = -1n] = await leader.remote([protectCall(code, layout.size)]);
    checkProtected(leader, result);
    for (const thread of threads) thread.batchBy(batchSiteAt(code));
    return page;
  } catch (error) {
    await page.remove();
    throw error;
  }
}

function fill(threads: readonly StoppedThread[], code: bigint, { frames, size }: Layout): void {
  const bytes = new Uint8Array(size);
  bytes.set(encodeCode(code, size));
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

async function mapPage(leader: StoppedThread, instruction: bigint, size: number): Promise<bigint> {
  const result = await mapWithinLimits(leader.pid, size, async () => {
    const [at = -1n] = await leader.exposedRemote(instruction, [mapCall(size)]);
    return at;
  });
  if (result >= 0n || result < -4095n) return result;
  const what = `${leader.label}: map ${String(size)} bytes that a checkpoint needs in it`;
  throw new ShimError('failedPrecondition', `${what}: ${whyNotMapped(leader.pid, size, result)}`);
}

/** The memory at an address. */
export function pageAt(
  threads: readonly StoppedThread[],
  instruction: bigint,
  memory: { readonly code: bigint; readonly size: number },
): SyscallPage {
  return { remove: () => remove(threads, instruction, memory) };
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

/** Throws unless the call of {@link protectCall} has succeeded. */
export function checkProtected({ label }: Pick<Tracee, 'label'>, result: bigint): void {
  if (result >= 0n) return;
  const what = `make memory writable in ${label}`;
  throw new ShimError('failedPrecondition', `${what}: ${errnoName(Number(result))}`);
}

/** Address of a `syscall` instruction in a process's vDSO, which is one of these areas. */
export function syscallInstruction(
  { pid, label }: Pick<Tracee, 'pid' | 'label'>,
  areas: readonly KernelArea[],
): bigint {
  const vdso = areas.find(({ special }) => special === '[vdso]');
  if (!vdso) {
    const why = 'no vDSO, which is not supported; remedy: let it keep that of the kernel (vdso=1)';
    throw new ShimError('failedPrecondition', `${label}: ${why}`);
  }
  const at = isUsual(pid, vdso, label) ? usual : findCall(pid, vdso, label);
  if (at < 0) throw new ShimError('failedPrecondition', `${label}: its vDSO has no system call`);
  usual = at;
  return vdso.start + BigInt(at);
}

/** Where it was in the last vDSO: that of all 64-bit processes is the same, unless one has changed its own. */
let usual = -1;

/** Where such an instruction is to be expected; undefined if that is not known yet. */
export function usualInstruction(areas: readonly KernelArea[]): bigint | undefined {
  const vdso = areas.find(({ special }) => special === '[vdso]');
  const isWithin = vdso && BigInt(usual + SYSCALL_INSTRUCTION.length) <= vdso.end - vdso.start;
  return isWithin && usual >= 0 ? vdso.start + BigInt(usual) : undefined;
}

function isUsual(pid: HostPid, { start, end }: KernelArea, label: string): boolean {
  const size = SYSCALL_INSTRUCTION.length;
  if (usual < 0 || BigInt(usual + size) > end - start) return false;
  return readProcess(pid, start + BigInt(usual), size, label).every(
    (byte, index) => byte === SYSCALL_INSTRUCTION[index],
  );
}

function findCall(pid: HostPid, { start, end }: KernelArea, label: string): number {
  const code = readProcess(pid, start, Number(end - start), label);
  return Buffer.from(code.buffer).indexOf(SYSCALL_INSTRUCTION);
}
