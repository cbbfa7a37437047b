// SPDX-License-Identifier: Apache-2.0

/** Open files, descriptor tables, working directories and locks: dumped from outside, restored by plans. */
export { FileDumper } from './dumper.js';
export {
  emptyFilesImage,
  isExecStream,
  type FilesImage,
  type FilesImageBuilder,
} from './files-image.js';
export { FILE_KINDS } from './kinds/index.js';
export { FilePlan } from './plan.js';
export type { LookOptions, StdioSlots } from './plan-context.js';
export { mountFacts, NotedMounts, type MountFacts } from './names/mount-facts.js';
export { namesSecret, ScratchNames } from './names/scratch-names.js';
export { findSevered } from './kinds/inet/severed.js';
export { findKeepable, hasKeepable, judgeEnding } from './ending-connections.js';
export { setsAbsoluteTime } from './kinds/timerfd.js';
export { findConsole } from './kinds/terminal/terminal.js';
