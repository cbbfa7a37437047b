// SPDX-License-Identifier: Apache-2.0

/**
 * Attributes of threads and processes: registers, signals, timers, credentials, limits, scheduling, seccomp. Order
 * of a checkpoint: {@link checkRegisters} and {@link resumeRegisters} before any remote call, then {@link
 * dumpAttributes}. Order of a restore: {@link AttributePlan}, {@link applyFromOutside}, {@link finalThreadState}
 * (which the tracer sets), {@link auditThread}.
 */
export {
  dumpAttributes,
  dumpZombie,
  checkRegisters,
  resumeRegisters,
  type AttributeDump,
} from './attributes/dump.js';
export { auditThread } from './attributes/audit.js';
export { finalThreadState, type FinalThreadState } from './attributes/final.js';
export { readHostFacts, type HostFacts } from './attributes/host-facts.js';
export { applyFromOutside } from './attributes/outside.js';
export { AttributePlan, type AttributesImage, type ExpectedThread } from './attributes/plan.js';
export {
  limitsOfSpec,
  liveUser,
  userOfSpec,
  type LiveLimits,
  type ProcessSpec,
} from './attributes/policy.js';
export { ATTRIBUTE_RULES } from './attributes/rules.js';
export { chainOf, type ChainLink } from './attributes/seccomp.js';
export { readLiveSeccomp } from './attributes/seccomp-donor.js';
