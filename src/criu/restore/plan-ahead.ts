// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import { areSame } from '../../common/same.js';
import type { LiveFacts } from '../plan/live-facts.js';
import { planRestore, type PlacedImage, type RestorePlan } from '../plan/restore-plan.js';
import { NotedMounts } from '../resources/files/index.js';

const log = logger('restore');

/** The plan of a restore that was made before it was known what that finds in place. */
export class PlanAhead {
  readonly #plan: RestorePlan;
  readonly #expected: LiveFacts;
  readonly #mounts: NotedMounts;

  private constructor(plan: RestorePlan, expected: LiveFacts, mounts: NotedMounts) {
    this.#plan = plan;
    this.#expected = expected;
    this.#mounts = mounts;
  }

  /**
   * Plans a restore into what is expected. A refusal means nothing yet, and gives undefined: the restore is planned again when
   * all is known, and refused then, if it must be.
   */
  static make(image: PlacedImage, expect: () => LiveFacts): PlanAhead | undefined {
    try {
      const expected = expect();
      const mounts = new NotedMounts(expected.mounts);
      const plan = planRestore(image, { ...expected, mounts });
      plan.finish();
      return new PlanAhead(plan, expected, mounts);
    } catch (cause) {
      const { kind, message } = ShimError.from(cause);
      const isBug = kind === 'internal' || kind === 'unknown';
      log[isBug ? 'warn' : 'debug']('not planned ahead', { kind, error: message });
      return undefined;
    }
  }

  /** The plan, if it is the one that would be made for what there is. */
  planFor(found: LiveFacts): RestorePlan | undefined {
    const rest = { ...found, mounts: this.#expected.mounts };
    const isRight = this.#mounts.agreesWith(found.mounts) && areSame(this.#expected, rest);
    if (!isRight) log.debug('planned anew, since not all was as expected', {});
    return isRight ? this.#plan : undefined;
  }
}
