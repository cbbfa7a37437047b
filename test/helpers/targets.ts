// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ShimError } from '../../src/common/errors.js';

/** The expected result of a target's checkpoint. A refusal must say why. */
export type Expectation =
  { readonly kind: 'restore' } | { readonly kind: 'refuse'; readonly because: RegExp };

/** A self-verifying program of test/targets, as its header comment describes it (see target.h). */
export interface Target {
  /** File name without `.c`; also the name of the binary. */
  readonly name: string;
  /** Words of its `@needs:` line, none for `none`. */
  readonly needs: readonly string[];
  /** It checks for something else that it needs, and prints `SKIP` if that is missing. */
  readonly mayNotRun?: boolean;
  readonly expect: Expectation;
  /** What the first checkpoint says in the log. */
  readonly warns?: RegExp | undefined;
  /** What it comes to where the kernel does not show what BPF can read. */
  readonly blind?: Pick<Target, 'expect' | 'warns'> | undefined;
  /** Keys of the outside view, or beginnings of keys, that may differ after a restore. */
  readonly varies: readonly string[];
}

/**
 * Reads the header comment of a target.
 *
 * @throws ShimError `invalidArgument` when `@needs:` or `@expect:` is missing or cannot be read.
 */
export function parseTarget(name: string, source: string): Target {
  const needs = tag(source, 'needs');
  const expect = tag(source, 'expect');
  if (needs === undefined || expect === undefined) {
    throw new ShimError('invalidArgument', `target ${name}: no @needs or no @expect line`);
  }
  const warns = tag(source, 'warns');
  const blind = tag(source, 'blind');
  return {
    name,
    ...(warns !== undefined && { warns: new RegExp(warns) }),
    ...(blind !== undefined && { blind: parseBlind(name, blind) }),
    needs: needs === 'none' ? [] : needs.split(/\s+/),
    mayNotRun: /\bSKIP\(/.test(source),
    expect: parseExpectation(name, expect),
    varies: tag(source, 'varies')?.split(/\s+/) ?? [],
  };
}

function parseExpectation(name: string, text: string): Expectation {
  if (text === 'restore') return { kind: 'restore' };
  const because = /^refuse\s+(\S.*)$/.exec(text)?.[1];
  if (because === undefined) {
    throw new ShimError('invalidArgument', `target ${name}: cannot read @expect: ${text}`);
  }
  return { kind: 'refuse', because: new RegExp(because, 'i') };
}

function parseBlind(name: string, text: string): Target['blind'] {
  const warns = /^warns\s+(\S.*)$/.exec(text)?.[1];
  if (warns === undefined) return { expect: parseExpectation(name, text), warns: undefined };
  return { expect: { kind: 'restore' }, warns: new RegExp(warns) };
}

function tag(source: string, name: string): string | undefined {
  const header = source.slice(0, source.indexOf('#include'));
  return new RegExp(`^ \\* @${name}: (.*?)\\s*$`, 'm').exec(header)?.[1];
}

/** All targets of a folder, by name. */
export function readTargets(folder: string): Target[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.c'))
    .sort()
    .map((file) => parseTarget(file.slice(0, -2), readFileSync(join(folder, file), 'utf8')));
}

/** The properties of a machine that a target may need. */
export interface Machine {
  /** `uname -r`. */
  readonly release: string;
  /** Feature words of the first processor, as /proc/cpuinfo names them. */
  readonly cpuFlags: ReadonlySet<string>;
  /** The bounding set of this process, as CapBnd of proc(5) status shows it. */
  readonly capabilities: bigint;
}

/** This machine, as /proc describes it. */
export function thisMachine(): Machine {
  const field = (path: string, name: RegExp): string =>
    name.exec(readFileSync(path, 'utf8'))?.[1] ?? '';
  return {
    release: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim(),
    cpuFlags: new Set(field('/proc/cpuinfo', /^flags\s*:\s*(.*)$/m).split(' ')),
    capabilities: BigInt(`0x${field('/proc/self/status', /^CapBnd:\s*(\w+)$/m)}`),
  };
}

/** Numbers of the capabilities a target may ask for: include/uapi/linux/capability.h. */
const CAPABILITY_BITS: Readonly<Record<string, bigint>> = {
  DAC_READ_SEARCH: 2n,
  LINUX_IMMUTABLE: 9n,
  NET_ADMIN: 12n,
  NET_RAW: 13n,
  IPC_LOCK: 14n,
  SYS_PTRACE: 19n,
  SYS_ADMIN: 21n,
  SYS_NICE: 23n,
  SYS_RESOURCE: 24n,
  LEASE: 28n,
  PERFMON: 38n,
  BPF: 39n,
};

/** Why a target cannot run on a machine, or `undefined` when it can. */
export function unmetNeed(target: Target, machine: Machine): string | undefined {
  return target.needs
    .map((need) => checkNeed(need, machine))
    .find((reason) => reason !== undefined);
}

function checkNeed(need: string, machine: Machine): string | undefined {
  if (need === 'realtime' || need === 'ping') return undefined; // The container's spec asks for it.
  const [, kind, value] = /^(kernel>=|cap:|cpu:)(\S+)$/.exec(need) ?? [];
  if (value === undefined) throw new ShimError('invalidArgument', `unknown need: ${need}`);
  if (kind === 'cpu:') return machine.cpuFlags.has(value) ? undefined : `no ${value} in this CPU`;
  if (kind === 'kernel>=') {
    return isAtLeast(machine.release, value) ? undefined : `kernel ${machine.release} < ${value}`;
  }
  const bit = CAPABILITY_BITS[value];
  if (bit === undefined) throw new ShimError('invalidArgument', `unknown capability: ${value}`);
  return (machine.capabilities >> bit) & 1n ? undefined : `this machine withholds CAP_${value}`;
}

function isAtLeast(release: string, wanted: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** Capabilities a target wants beyond those of every container, with their prefix. */
export function extraCapabilities(target: Target): string[] {
  return target.needs
    .filter((need) => need.startsWith('cap:'))
    .map((need) => `CAP_${need.slice('cap:'.length)}`);
}
