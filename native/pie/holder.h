/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MVAS_HOLDER_H_
#define MVAS_HOLDER_H_

/* Serves a listening SOCK_SEQPACKET socket until told to drop. */
_Noreturn void holder_main(int listening);

/* Serves the socket on which exits of children are asked for, until all children are gone. */
_Noreturn void keeper_main(int listening);

#endif
