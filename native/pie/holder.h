/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MVAS_HOLDER_H_
#define MVAS_HOLDER_H_

/* Serves a listening SOCK_SEQPACKET socket until told to drop. */
_Noreturn void holder_main(int listening);

/* Serves the socket on which exits of children are asked for, until all children are gone.
 * `lifeline`: to be read from; closed without a byte it ends the child `holder`. */
_Noreturn void keeper_main(int listening, int lifeline, int holder);

#endif
