// SPDX-License-Identifier: Apache-2.0

/** Open files, descriptor tables, working directories and locks: dumped from outside, restored by plans. */
export { FileDumper, type FileMapping } from './dumper.js';
export { FilesImageBuilder, type FilesImage } from './files-image.js';
export { FilePlan, type FilePlanOptions } from './plan.js';
export type { LookOptions } from './kinds/regular/opened-files.js';
export type { StdioSlots } from './open-plan.js';
export { findConsole } from './kinds/terminal/terminal.js';
