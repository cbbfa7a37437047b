// SPDX-License-Identifier: Apache-2.0

/** Where the guest finds the image of its containers. */
export const GUEST_IMAGE = '/redis.tar';

/** The last line a guest prints, with the exit code of its program behind it. */
export const RESULT_LINE = 'MVAS-RC=';
