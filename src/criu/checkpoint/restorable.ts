// SPDX-License-Identifier: Apache-2.0
import { ownPid, type VasId } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import { Copy, mayBeCopied } from '../../native/copy.js';
import type { CheckpointImage } from '../image/checkpoint-image.js';
import { presumeValid, validateImage, type ValidImage } from '../image/validate.js';
import type { MemorySource } from '../memory/live/source.js';
import type { KernelArea } from '../memory/memory-plan.js';
import { memoryOf } from '../memory/of-image.js';
import type { LiveFacts } from '../plan/live-facts.js';
import { planRestore } from '../plan/restore-plan.js';
import type { MountInfo } from '../../common/procfs/mountinfo.js';
import {
  limitsOfSpec,
  readHostFacts,
  userOfSpec,
  type ProcessSpec,
} from '../resources/attributes.js';
import { findConsole, mountFacts } from '../resources/files/index.js';
import { IMAGE_RULES } from '../resources/rules.js';
import type { NamespacesSpec } from '../spec.js';
import { userNamespaceOf } from '../user-namespace.js';
import { findDuplicates } from '../vas/backend.js';
import { notKept } from './execs.js';
import { inTime } from './in-time.js';

const log = logger('checkpoint');

/** With so many processes, a plan takes longer than a copy of this process does. */
const WORTH_A_COPY = 64;
const ANSWER_LIMIT_MS = 60_000;

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

/** A trial that is under way; its end is to be awaited, or it is given up. */
export interface Trial {
  /**
   * @throws ShimError `failedPrecondition`, ExecNotKept
   */
  readonly outcome: () => Promise<void>;
  readonly giveUp: () => Promise<void>;
}

/**
 * Finds out whether a checkpoint can be restored: validates its image, and plans a restore into a
 * container like the original. Where that takes longer than a copy of this process, a copy plans, on another processor, while
 * the image is validated here.
 *
 * @param execs processes that came by exec, for messages
 */
export function tryRestore(tried: TriedRestore, execs: readonly string[]): Trial {
  const copy = beginInCopy(tried);
  const outcome = async () => {
    const { valid, problem } = validated(tried.image);
    const found = problem ?? (await planProblem(valid, tried, copy));
    if (found !== undefined) throw notKept(found, execs);
  };
  return { outcome, giveUp: async () => copy?.end() };
}

/** A valid image, or why it is not. */
type Validated =
  | { readonly valid: ValidImage; readonly problem?: undefined }
  | { readonly valid?: undefined; readonly problem: ShimError };

function validated(image: CheckpointImage): Validated {
  try {
    return { valid: validateImage(image, IMAGE_RULES) };
  } catch (error) {
    return { problem: asRefusal(error) };
  }
}

/** Why no restore can be planned; by the copy, if there is one. */
async function planProblem(
  valid: ValidImage,
  tried: TriedRestore,
  copy: Copy<Answer> | undefined,
): Promise<ShimError | undefined> {
  const answer = copy && (await answerOf(copy));
  return answer === undefined ? problemOf(valid, tried) : asProblem(answer);
}

/** undefined if it has died, or hangs. */
async function answerOf(copy: Copy<Answer>): Promise<Answer | undefined> {
  try {
    return await inTime(copy.answer(), ANSWER_LIMIT_MS, 'plan the restore in a copy');
  } catch (error) {
    log.warn('the restore is planned again', { error: String(error) });
    return undefined;
  }
}

/** What a copy has found out. */
interface Answer {
  readonly problem?: Pick<ShimError, 'kind' | 'message'>;
}

function beginInCopy(tried: TriedRestore): Copy<Answer> | undefined {
  if (tried.image.pstree.length < WORTH_A_COPY || !mayBeCopied()) return undefined;
  try {
    return new Copy(() => {
      const { image } = tried;
      const problem = problemOf(presumeValid(image, memoryOf(image)), tried);
      return problem ? { problem: { kind: problem.kind, message: problem.message } } : {};
    });
  } catch (error) {
    log.debug('the restore is planned without a copy of this process', { error: String(error) });
    return undefined;
  }
}

function asProblem({ problem }: Answer): ShimError | undefined {
  return problem && new ShimError(problem.kind, problem.message);
}

/** Why the restore of an image cannot be planned. */
function problemOf(image: ValidImage, tried: TriedRestore): ShimError | undefined {
  const { base, vasId, source } = tried;
  try {
    const duplicates = source.backend === 'kernel-exec' ? findDuplicates(vasId) : undefined;
    planRestore({ image, base, duplicates }, expectedFacts(tried));
    return undefined;
  } catch (error) {
    return asRefusal(error);
  }
}

/** An image that is not valid is refused like a container that cannot be restored. */
function asRefusal(cause: unknown): ShimError {
  const error = ShimError.from(cause);
  if (error.kind !== 'dataLoss') return error;
  const what = `it could not be restored: ${error.message}`;
  return new ShimError('failedPrecondition', what, { cause });
}

function expectedFacts({ image, kernelAreas, spec, mounts }: TriedRestore): LiveFacts {
  return {
    limits: { ...limitsOfSpec(spec.process), user: userOfSpec(spec.process) },
    mounts: mountFacts(mounts),
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
