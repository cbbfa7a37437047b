// SPDX-License-Identifier: Apache-2.0
import { forAll } from '../../common/for-all.js';
import type { Tracer } from '../../native/index.js';
import { buildFrame, FRAME_POINTERS, sendTo } from '../arch/index.js';
import type { Vma } from '../procfs/maps.js';
import { MARK_AT, MARK_START } from './leftovers.js';
import { notTraced } from './not-traced.js';
import { encodeCalls } from './remote-calls.js';
import {
  batchSiteAt,
  CODE_SIZE,
  encodeCode,
  layOut,
  mapCall,
  protectCall,
  SCRATCH_AT,
  siteAt,
  type Layout,
} from './residence.js';
import type { StoppedThread } from './stopped-thread.js';
import {
  checkProtected,
  injectSyscallPage,
  pageAt,
  syscallInstruction,
  usualInstruction,
  type SyscallPage,
} from './syscall-page.js';

/** How many processes one request to the tracer is about: it works on them while the next ones are prepared here. */
const AT_A_TIME = 32;
const ENOEXEC = -8;
/** Zeros that are written to the page of scratch memory: later it would be charged to whoever touches it first. */
const NOTHING = 8;
const WORD = 8;
/** Words of each result. */
const RESULT = 3;

/** A process to be made ready for remote calls. */
interface Process {
  readonly threads: readonly StoppedThread[];
  /** What it maps. */
  readonly areas: readonly Vma[];
}

/** One whose vDSO is expected to have a `syscall` instruction at an address. */
interface Mover extends Process {
  readonly leader: StoppedThread;
  readonly instruction: bigint;
  readonly layout: Layout;
}

/**
 * Does what {@link injectSyscallPage} does, for many processes by few requests: the tracer maps the memory, fills it and
 * sends the threads there. Where anything is unusual, that function does it.
 *
 * @param onPage told of each page that is to be removed
 */
export async function injectPages(
  tracer: Pick<Tracer, 'moveIn'>,
  processes: readonly Process[],
  onPage: (page: SyscallPage) => void,
): Promise<void> {
  const inject = async ({ threads, areas }: Process) => {
    onPage(await injectSyscallPage(threads, areas));
  };
  learn(processes);
  const movers = processes.map(moverOf);
  const usual = movers.filter((mover) => mover !== undefined);
  const unusual = processes.filter((_, index) => movers[index] === undefined);
  const parts: Mover[][] = [];
  for (let at = 0; at < usual.length; at += AT_A_TIME) parts.push(usual.slice(at, at + AT_A_TIME));
  const moving = forAll(parts, (part) => moveIn(part, { tracer, inject, onPage }));
  await Promise.all([moving, forAll(unusual, inject)]);
}

/** The first one tells where the instruction is. */
function learn([first]: readonly Process[]): void {
  const leader = first?.threads[0];
  if (leader && usualInstruction(first.areas) === undefined) {
    syscallInstruction(leader, first.areas);
  }
}

function moverOf({ threads, areas }: Process): Mover | undefined {
  const [leader] = threads;
  const instruction = usualInstruction(areas);
  if (!leader || instruction === undefined) return undefined;
  return { threads, areas, leader, instruction, layout: layOut(threads) };
}

/** Who moves them in, and what to do with the outcome. */
interface Moving {
  readonly tracer: Pick<Tracer, 'moveIn'>;
  readonly inject: (process: Process) => Promise<void>;
  readonly onPage: (page: SyscallPage) => void;
}

async function moveIn(movers: readonly Mover[], moving: Moving): Promise<void> {
  const { words, bytes } = encode(movers);
  for (const { leader } of movers) leader.expose();
  const results = await moving.tracer.moveIn(words, bytes);
  await forAll(movers, (mover, index) => {
    const [error = 0n, address = 0n, protect = 0n] = results.subarray(index * RESULT);
    return arrive(mover, { error: Number(error), address, protect }, moving);
  });
}

/** What became of one: -errno, where its memory is or why there is none, and the result of the last call. */
interface Outcome {
  readonly error: number;
  readonly address: bigint;
  readonly protect: bigint;
}

async function arrive(
  mover: Mover,
  { error, address: code, protect }: Outcome,
  { inject, onPage }: Moving,
): Promise<void> {
  const { threads, leader, instruction, layout } = mover;
  const isRefused = code < 0n && code >= -4095n;
  if (error === ENOEXEC || (error === 0 && isRefused)) {
    leader.unexposed();
    return inject(mover);
  }
  const what = `make a system call in ${leader.label}`;
  if (code === 0n || isRefused) throw notTraced(what, error);
  const page = pageAt(threads, instruction, { code, size: layout.size });
  threads.forEach((thread, index) => {
    thread.settleAt(siteAt(code, layout.frames[index] ?? 0));
  });
  try {
    if (error !== 0) throw notTraced(what, error);
    checkProtected(leader, protect);
  } catch (reason) {
    await page.remove();
    throw reason;
  }
  for (const thread of threads) thread.batchBy(batchSiteAt(code));
  onPage(page);
}

/** All of them, as the tracer takes them (native/src/residence.h). Addresses are relative to each memory. */
function encode(movers: readonly Mover[]): { words: BigUint64Array; bytes: Uint8Array } {
  const bytes = Buffer.alloc(movers.reduce((sum, mover) => sum + bytesOf(mover), 0));
  const words = new Words(movers.reduce((sum, mover) => sum + wordsOf(mover), 0));
  let end = 0;
  for (const mover of movers) {
    const code = codeOf(mover.layout.size);
    bytes.set(code.bytes, end);
    putFrames(mover, bytes.subarray(end + CODE_SIZE + NOTHING));
    end += bytesOf(mover);
    putMover(words, mover, code);
  }
  return { words: words.all, bytes };
}

function bytesOf({ layout }: Mover): number {
  return CODE_SIZE + NOTHING + framesSize(layout);
}

/** Words before the calls: who makes them, what about, and how many of what follow. */
const HEAD = 7;
/** Offset and size of each of three pieces of memory. */
const PIECES = 6;
/** One pointer is that of the mark. */
const MARKS = 1;

function wordsOf({ threads, leader, layout }: Mover): number {
  const registers = leader.resume.length / WORD;
  const pointers = MARKS + threads.length * FRAME_POINTERS.length;
  const calls = codeOf(layout.size).calls.length;
  return HEAD + calls + registers + PIECES + pointers + threads.length * (1 + registers);
}

function putMover(words: Words, mover: Mover, { calls }: Code): void {
  const { threads, leader, instruction, layout } = mover;
  const { frames, size } = layout;
  words.put(leader.pid).word(instruction).word(leader.state.signalMask).put(size);
  words
    .put(PIECES / 2)
    .put(MARKS + frames.length * FRAME_POINTERS.length)
    .put(threads.length);
  words.all.set(calls, words.skip(calls.length));
  words.registers(leader.resume);
  words.put(0).put(CODE_SIZE).put(SCRATCH_AT).put(NOTHING);
  words.put(frames[0] ?? 0).put(framesSize(layout));
  words.put(MARK_AT + MARK_START);
  for (const frame of frames) for (const at of FRAME_POINTERS) words.put(frame + at);
  threads.forEach((thread, index) => {
    words.put(thread.tid);
    sendTo(siteAt(0n, frames[index] ?? 0), words.registers(thread.state.registers));
  });
}

/** Words that are written one after the other. */
class Words {
  readonly all: BigUint64Array;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(size: number) {
    this.all = new BigUint64Array(size);
    this.#bytes = new Uint8Array(this.all.buffer);
  }

  word(value: bigint): this {
    this.all[this.#at++] = value;
    return this;
  }

  put(value: number): this {
    return this.word(BigInt(value));
  }

  /** Leaves room for some; returns where that begins. */
  skip(count: number): number {
    this.#at += count;
    return this.#at - count;
  }

  /** Those of a thread, to be changed in place. */
  registers(bytes: Uint8Array): BigUint64Array {
    const from = this.skip(bytes.length / WORD);
    this.#bytes.set(bytes, from * WORD);
    return this.all.subarray(from, this.#at);
  }
}

function framesSize({ frames, end }: Layout): number {
  return end - (frames[0] ?? end);
}

/** Writes the frames to a buffer of zeros. */
function putFrames({ threads, layout }: Mover, target: Buffer): void {
  const begin = layout.frames[0] ?? 0;
  threads.forEach((thread, index) => {
    const at = layout.frames[index] ?? 0;
    buildFrame(BigInt(at), thread.home, target.subarray(at - begin));
  });
}

/** The page of code, and the calls that map it and make the rest writable. */
interface Code {
  readonly size: number;
  readonly bytes: Uint8Array;
  readonly calls: BigUint64Array;
}

let lastCode: Code | undefined;

/** Most processes have as much memory of ours as the one before. */
function codeOf(size: number): Code {
  if (lastCode?.size !== size) {
    const calls = encodeCalls([mapCall(size), protectCall(0n, size)]);
    lastCode = { size, bytes: encodeCode(0n, size), calls };
  }
  return lastCode;
}
