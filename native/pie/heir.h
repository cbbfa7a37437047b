/* SPDX-License-Identifier: Apache-2.0 */
/* A holder with a keeper of its own, forked from another holder. */
#ifndef MVAS_HEIR_H_
#define MVAS_HEIR_H_

#include "sys.h"

/* Where the processes of a new VAS find their sockets (start.c). */
#define CONTROL_SOCKET 3
#define WAIT_SOCKET 4
#define LIFELINE 5

struct heir {
	s64 keeper, holder; /* pids */
};

/*
 * Forks this process, and starts a keeper that is the parent of the fork, with descriptors as they
 * come with MVAS_REQUEST_HEIR. The fork has its control socket as CONTROL_SOCKET and nothing else
 * open, and calls `become`. Returns 0, or -errno: then neither exists.
 */
s64 fork_heir(const int *fds, struct heir *heir, void (*become)(void *), void *argument);

#endif
