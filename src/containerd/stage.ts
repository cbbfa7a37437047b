// SPDX-License-Identifier: Apache-2.0

/**
 * What a long call is doing: it asks containerd for what it needs, its shim holds the container and takes or brings back
 * memory and files, or it writes down what has come of it.
 */
export type Stage = 'prepare' | 'checkpoint' | 'restore' | 'keep';
