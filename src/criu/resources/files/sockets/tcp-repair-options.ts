// SPDX-License-Identifier: Apache-2.0
import { SOL } from '../../../../native/abi/index.js';

/* Options of TCP's repair mode (linux/tcp.h): level and name. */

export const REPAIR = [SOL.tcp, 19] as const;
export const REPAIR_QUEUE = [SOL.tcp, 20] as const;
export const QUEUE_SEQ = [SOL.tcp, 21] as const;
export const REPAIR_OPTIONS = [SOL.tcp, 22] as const;
export const REPAIR_WINDOW = [SOL.tcp, 29] as const;

/** TCP_REPAIR_OFF_NO_WP: ends repair mode, and sends nothing. */
export const REPAIR_OFF = -1;
/** TCP_RECV_QUEUE, TCP_SEND_QUEUE. */
export const QUEUE = { receive: 1, send: 2 } as const;
