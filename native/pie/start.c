/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Started with two listening sockets and a pipe to read from: descriptor 3 accepts requests to the
 * holder, 4 questions to the keeper, 5 is the keeper's lifeline. The first process becomes the
 * keeper, its child the holder. With a pid as argument it has such a child already (heir.c).
 */
#include "heir.h"
#include "holder.h"
#include "sys.h"

#define SIG_SETMASK_ 2
#define SIGCHLD_ 17

ENTRY(start);

static s64 number_in(const char *digits)
{
	s64 number = 0;

	for (; *digits; digits++)
		number = number * 10 + (*digits - '0');
	return number;
}

_Noreturn void start(const u64 *arguments);
_Noreturn void start(const u64 *arguments)
{
	u64 all = ~0ul;
	s64 child;

	if (arguments[0] == 2)
		keeper_main(WAIT_SOCKET, LIFELINE, (int)number_in((const char *)arguments[2]));

	sys4(__NR_rt_sigprocmask, SIG_SETMASK_, &all, 0, sizeof(all));
	sys1(__NR_setsid, 0);
	sys1(__NR_umask, 0);
	child = sys6(__NR_clone, SIGCHLD_, 0, 0, 0, 0, 0);
	if (child < 0)
		leave(1);
	if (child == 0) {
		sys1(__NR_close, WAIT_SOCKET);
		sys1(__NR_close, LIFELINE);
		holder_main(CONTROL_SOCKET);
	}
	sys1(__NR_close, CONTROL_SOCKET);
	keeper_main(WAIT_SOCKET, LIFELINE, (int)child);
}
