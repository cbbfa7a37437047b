// SPDX-License-Identifier: Apache-2.0

/**
 * The model of a checkpoint: CRIU's messages under CRIU's names. 64-bit integers are `bigint`, enums are their
 * words, repeated fields are always arrays, optional fields may be left out or undefined. An absent optional field
 * is `undefined` after decoding even if its proto names a default. Fields `mvas_*` are ours (numbers from 10000);
 * CRIU's tools ignore them.
 */
export type * from './messages/index.js';
