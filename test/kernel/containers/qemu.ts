// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What a guest says when it has begun; see inside/init.sh. */
const UP_LINE = 'MVAS-GUEST-UP';

/**
 * A busy host may let a guest stand still for a while, which neither the watchdogs nor the timer check at boot may
 * report. Memory cgroups do without the features that they enable at first use by changing the code of hot paths,
 * because an emulated processor may run that code while it changes.
 */
const KERNEL_ARGUMENTS =
  'console=ttyS0 quiet panic=-1 oops=panic no_timer_check watchdog_thresh=60 ' +
  'rcupdate.rcu_cpu_stall_timeout=120 cgroup.memory=nokmem,nosocket,nobpf';
/**
 * A processor hit a breakpoint that the kernel had set to change its own code, and has removed since: the emulator ran
 * stale code. In the module's code it would be the module's fault.
 */
const STALE_CODE = 'Oops: int3: ';

/** What to boot. */
export interface Guest {
  /** Image of the kernel. */
  readonly kernel: string;
  readonly initramfs: string;
  /** Arguments to the kernel, besides those every guest gets. */
  readonly arguments: readonly string[];
  readonly timeoutMs: number;
  /** Hears of every line on the console. */
  readonly onLine?: (line: string) => void;
}

/**
 * Boots a guest in QEMU by emulation, which works everywhere, and waits for its end; resolves with the
 * lines of its console.
 *
 * cmpxchg16b is left out, since QEMU 7.2 emulates it wrongly (Linux 6.12 crashes at random); so are the quick string
 * instructions, which are quick only on a real processor. Should the emulation fail before the guest has begun, or run
 * stale code, it is tried once more.
 */
export async function boot(guest: Guest): Promise<string[]> {
  const lines = await bootOnce(guest);
  const isOurs = lines.some((line) => /RIP: .*\[mvas\]/.test(line));
  const isStale = !isOurs && lines.some((line) => line.includes(STALE_CODE));
  const hasFailed = !lines.includes(UP_LINE) || isStale;
  if (!hasFailed) return lines;
  process.stderr.write(`the emulation failed, once more: ${lines.slice(-40).join('\n')}\n`);
  return await bootOnce(guest);
}

async function bootOnce(guest: Guest): Promise<string[]> {
  const args = [
    ...['-machine', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max,-cx16,-erms,-fsrm'],
    ...['-smp', '2', '-m', '3072', '-nographic', '-nodefaults', '-no-reboot'],
    ...['-serial', 'stdio', '-monitor', 'none'],
    ...['-kernel', guest.kernel, '-initrd', guest.initramfs],
    ...['-append', [KERNEL_ARGUMENTS, ...guest.arguments].join(' ')],
  ];
  const child = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), guest.timeoutMs);
  const lines: string[] = [];
  try {
    const ended = new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', () => {
        resolve();
      });
    });
    createInterface(child.stdout).on('line', (raw) => {
      const line = raw.replaceAll('\r', '');
      lines.push(line);
      guest.onLine?.(line);
    });
    await ended;
    return lines;
  } finally {
    clearTimeout(timer);
  }
}
