// SPDX-License-Identifier: Apache-2.0
/** Numbers and constants of the kernel's interface, for the architecture that this runs on. */
export * from './linux.js';
export * from './x86-64.js';
