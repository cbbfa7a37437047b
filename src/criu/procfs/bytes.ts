// SPDX-License-Identifier: Apache-2.0
export { decodeBytes, encodeBytes, printable } from '../../common/bytes.js';
