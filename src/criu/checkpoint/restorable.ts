// SPDX-License-Identifier: Apache-2.0
import { ownPid, type VasId } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import type { CheckpointImage } from '../image/checkpoint-image.js';
import { validateImage } from '../image/validate.js';
import type { MemorySource } from '../memory/live/source.js';
import type { KernelArea } from '../memory/memory-plan.js';
import type { LiveFacts } from '../plan/live-facts.js';
import { planRestore } from '../plan/restore-plan.js';
import type { MountInfo } from '../../common/procfs/mountinfo.js';
import {
  limitsOfSpec,
  readHostFacts,
  userOfSpec,
  type ProcessSpec,
} from '../resources/attributes.js';
import { findConsole } from '../resources/files/index.js';
import { IMAGE_RULES } from '../resources/rules.js';
import type { NamespacesSpec } from '../spec.js';
import { userNamespaceOf } from '../user-namespace.js';
import { findDuplicates } from '../vas/backend.js';
import { notKept } from './execs.js';

/** The surroundings that the container came from: a restore of a new image is tried with these. */
export interface TriedRestore {
  readonly image: CheckpointImage;
  readonly base: bigint;
  readonly vasId: VasId;
  /** Has the memory. */
  readonly source: Pick<MemorySource, 'backend'>;
  /** Where the kernel's own areas lie in the holder. */
  readonly kernelAreas: readonly KernelArea[];
  readonly spec: NamespacesSpec & { readonly process?: ProcessSpec | undefined };
  /** Those of the container. */
  readonly mounts: readonly MountInfo[];
}

/**
 * Refuses a checkpoint that could not be restored. Validates its image, and plans a restore into a
 * container like the original.
 *
 * @param execs processes that came by exec, for messages
 * @throws ShimError `failedPrecondition`, ExecNotKept
 */
export function checkRestorable(tried: TriedRestore, execs: readonly string[]): void {
  const { image, base, vasId, source } = tried;
  try {
    const valid = validateImage(image, IMAGE_RULES);
    const duplicates = source.backend === 'kernel-exec' ? findDuplicates(vasId) : undefined;
    planRestore({ image: valid, base, duplicates }, expectedFacts(tried));
  } catch (cause) {
    const { kind, message } = ShimError.from(cause);
    if (kind !== 'dataLoss') throw notKept(cause, execs);
    const what = `it could not be restored: ${message}`;
    throw notKept(new ShimError('failedPrecondition', what, { cause }), execs);
  }
}

function expectedFacts({ image, kernelAreas, spec, mounts }: TriedRestore): LiveFacts {
  return {
    limits: { ...limitsOfSpec(spec.process), user: userOfSpec(spec.process) },
    mounts,
    hasConsole: findConsole(image.ttys) !== undefined,
    stdio: [true, true, true],
    kernelAreas,
    host: readHostFacts(ownPid()),
    initPid: ownPid(),
    userNamespace: userNamespaceOf(spec),
    ipc: undefined,
    severed: new Set(),
    secret: '',
  };
}
