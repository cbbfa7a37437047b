// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { ShimError } from '../../../common/errors.js';
import { cString, SYS } from '../../../native/sys.js';
import type { PlanBuilder } from '../../plan/builder.js';
import type { Sequence } from '../../plan/sequence.js';
import { O } from '../../../native/abi/index.js';

/** The part of an OCI runtime spec that labels a container's processes. */
export interface LabelSpec {
  readonly apparmorProfile?: string;
  readonly selinuxLabel?: string;
}

/** Names of the Linux security modules that label processes. */
export type SecurityModule = 'AppArmor' | 'SELinux';

/** A label that every thread of a container must have. */
export interface Label {
  readonly module: SecurityModule;
  readonly name: string;
  /** The file that shows it and accepts a new one, below a thread's directory in /proc. */
  readonly file: string;
  /** What a thread writes there to get it. */
  readonly change: string;
}

const PLAIN_FILE = 'attr/current';
/** Used if more than one module is active (Linux 5.8). */
const APPARMOR_FILE = 'attr/apparmor/current';

/** The labels of a spec for the active modules; the runtime judges those of others. */
export function liveLabels(
  { apparmorProfile = '', selinuxLabel = '' }: LabelSpec,
  isActive: (module: SecurityModule) => boolean = isModuleActive,
): Label[] {
  const labels: Label[] = [];
  if (apparmorProfile !== '' && isActive('AppArmor')) {
    const file = existsSync(`/proc/self/${APPARMOR_FILE}`) ? APPARMOR_FILE : PLAIN_FILE;
    const change = `changeprofile ${apparmorProfile}`;
    labels.push({ module: 'AppArmor', name: apparmorProfile, file, change });
  }
  if (selinuxLabel !== '' && isActive('SELinux')) {
    labels.push({ module: 'SELinux', name: selinuxLabel, file: PLAIN_FILE, change: selinuxLabel });
  }
  return labels;
}

function isModuleActive(module: SecurityModule): boolean {
  if (module === 'SELinux') return existsSync('/sys/fs/selinux/enforce');
  try {
    return readFileSync('/sys/module/apparmor/parameters/enabled', 'utf8').startsWith('Y');
  } catch {
    return false; // This kernel does not have it.
  }
}

/**
 * SELinux relabels one thread of several only within bounds that container policies do not have
 * (selinux_lsm_setattr in security/selinux/hooks.c), and its policies do not permit confined threads to create
 * threads with given ids.
 *
 * @throws ShimError `failedPrecondition`
 */
export function checkLabels(where: string, labels: readonly Label[], threads: number): void {
  const label = labels.find(({ module }) => module === 'SELinux');
  if (!label || threads === 1) return;
  const what = `its ${String(threads)} threads cannot be given the SELinux label ${label.name}`;
  throw new ShimError('failedPrecondition', `${where}: ${what}; remedy: give its spec no label`);
}

/**
 * By each thread for itself, since no other may; the last step that needs privileges.
 *
 * @param root a descriptor of the container's root
 */
export function planLabels(
  builder: PlanBuilder,
  { labels, root }: { readonly labels: readonly Label[]; readonly root: number },
  sequence: Sequence,
): void {
  for (const { module, name, file, change } of labels) {
    const what = `take the ${module} label ${name}`;
    const slot = builder.slot();
    const path = builder.data(cString(`./proc/thread-self/${file}`), 1);
    const args = [root, path, O.wronly | O.cloexec, 0];
    sequence.syscall(what, SYS.openat, args, { store: slot });
    const text = Buffer.from(change);
    sequence.write(what, slot, builder.data(text, 1), text.length);
    sequence.syscall(what, SYS.close, [slot]);
  }
}

/** A label without what modules append: a NUL, a line feed, the mode of a profile. Pure. */
export function plainLabel(text: string): string {
  return text.replace(/[\0\n]+$/, '').replace(/ \([a-z]+\)$/, '');
}
