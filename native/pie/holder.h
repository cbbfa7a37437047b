/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MVAS_HOLDER_H_
#define MVAS_HOLDER_H_

/* Serves a listening SOCK_SEQPACKET socket until told to drop. */
_Noreturn void holder_main(int listening);

/* Serves the socket for questions about children's exits, until all children are gone. `lifeline`:
 * if its other end closes without a byte, this ends the child `holder`. */
_Noreturn void keeper_main(int listening, int lifeline, int holder);

#endif
