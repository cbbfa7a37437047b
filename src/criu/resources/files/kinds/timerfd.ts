// SPDX-License-Identifier: Apache-2.0
import { SYS } from '../../../../native/sys.js';
import type { TimerfdEntry } from '../../../image/types.js';
import type { FdInfo } from '../../../procfs/fdinfo.js';
import type { Line } from '../../../../common/procfs/line.js';
import { IOCTL, O } from '../../../../native/abi/index.js';
import type { DumpContext } from '../dump-context.js';
import type { OpenFile } from '../open-file.js';
import { dumpOwner } from '../owner.js';
import type { FileKind } from '../kind.js';
import type { PlanContext } from '../plan-context.js';
import type { TablePlan } from '../table-plan.js';
import { anonymousName } from './anonymous.js';

const NS_PER_S = 1_000_000_000n;
const TFD_TIMER_CANCEL_ON_SET = 2;
const ABSTIME_CANCEL_ON_SET = 3;

/** A timerfd: clock, time left, interval and unread expirations. */
export const TIMERFD: FileKind<'tfd'> = {
  type: 'TIMERFD',
  body: 'tfd',
  claims: (file) => anonymousName(file) === 'timerfd',
  dump,
  open,
  finish: start,
};

function dump(context: DumpContext, file: OpenFile): TimerfdEntry | undefined {
  const timerfd = timerfdState(file.info);
  if (!timerfd) {
    context.refusals.add(
      file.where,
      'the kernel does not tell the state of this timerfd; remedy: close it',
    );
    return undefined;
  }
  return {
    id: file.id,
    flags: file.flags,
    fown: dumpOwner(context, file),
    clockid: timerfd.clockId,
    ticks: timerfd.ticks,
    settime_flags: timerfd.settimeFlags,
    vsec: timerfd.valueNs / NS_PER_S,
    vnsec: timerfd.valueNs % NS_PER_S,
    isec: timerfd.intervalNs / NS_PER_S,
    insec: timerfd.intervalNs % NS_PER_S,
  };
}

/** Creates a timerfd that is not running yet. */
function open({ stage }: PlanContext, entry: TimerfdEntry, number: number): void {
  const flags = (entry.flags & O.nonblock) | O.cloexec;
  stage.make(`make timerfd ${String(entry.id)}`, number, SYS.timerfd_create, [
    entry.clockid,
    flags,
  ]);
}

/** Whether the plan of a timerfd has the time in it: that ends a timer which is to hear of changes of the clock. */
export function setsAbsoluteTime({ settime_flags: flags }: TimerfdEntry): boolean {
  return (flags & TFD_TIMER_CANCEL_ON_SET) !== 0;
}

/**
 * Arms a timerfd with its remaining time; late, in a process that has it as `fd`. Setting the time clears the
 * expirations, so they come second (TFD_IOC_SET_TICKS, Linux 3.18).
 */
function start({ builder, sequence }: TablePlan, entry: TimerfdEntry, fd: number): void {
  const what = `set timerfd ${String(fd)}`;
  // A periodic timer that has expired stands still until it is read.
  const waits = entry.vsec === 0n && entry.vnsec === 0n;
  const expires = waits && entry.ticks > 0n && (entry.isec !== 0n || entry.insec !== 0n);
  if (!waits || expires) {
    const cancels = setsAbsoluteTime(entry);
    const now = cancels ? BigInt(Date.now()) * 1_000_000n : 0n;
    const left = now + entry.vsec * NS_PER_S + entry.vnsec + (expires ? 1n : 0n);
    const values = [entry.isec, entry.insec, left / NS_PER_S, left % NS_PER_S];
    const spec = Buffer.alloc(32);
    values.forEach((value, index) => spec.writeBigInt64LE(BigInt.asIntN(64, value), index * 8));
    const flags = cancels ? ABSTIME_CANCEL_ON_SET : 0;
    sequence.syscall(what, SYS.timerfd_settime, [fd, flags, builder.data(spec), null]);
  }
  if (entry.ticks === (expires ? 1n : 0n)) return; // A timer that expires at once has one by then.
  const ticks = Buffer.alloc(8);
  ticks.writeBigUInt64LE(entry.ticks);
  sequence.syscall(`${what}: ticks`, SYS.ioctl, [fd, IOCTL.setTicks, builder.data(ticks)]);
}

/** State of a timerfd. Source: timerfd_show(). */
interface TimerfdInfo {
  readonly clockId: number;
  /** Unread expirations. */
  readonly ticks: bigint;
  /** TFD_TIMER_* flags of timerfd_settime. */
  readonly settimeFlags: number;
  /** Time left until it expires, always relative, in nanoseconds; 0 when disarmed. */
  readonly valueNs: bigint;
  readonly intervalNs: bigint;
}

const TIMERFD_LINE =
  /^(clockid|ticks|settime flags|it_value|it_interval): *(?:\((\d+), (\d+)\)|(-?\d+))$/;

/** What fdinfo says of a timerfd. `settime flags` came with Linux 3.19. */
export function timerfdState({ details }: FdInfo): TimerfdInfo | undefined {
  const lines = new Map<string, Line>();
  for (const line of details) {
    const key = TIMERFD_LINE.exec(line.text)?.[1];
    if (key !== undefined) lines.set(key, line);
  }
  const [first] = lines.values();
  if (!first) return undefined;
  const line = (key: string): Line => lines.get(key) ?? first.fail();
  const word = (key: string): string | undefined => TIMERFD_LINE.exec(line(key).text)?.[4];
  return {
    clockId: line('clockid').integer(word('clockid')),
    ticks: line('ticks').bigInteger(word('ticks')),
    settimeFlags: line('settime flags').octal(word('settime flags')),
    valueNs: nanoseconds(line('it_value')),
    intervalNs: nanoseconds(line('it_interval')),
  };
}

function nanoseconds(line: Line): bigint {
  const [, , seconds, rest] = line.match(TIMERFD_LINE);
  return line.bigInteger(seconds) * 1_000_000_000n + line.bigInteger(rest);
}
