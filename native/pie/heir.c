/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process cannot be given to another parent, so who forks an heir has to become its keeper: a
 * process that executes the holder's program. It shares the memory of the old holder, which waits
 * meanwhile (vfork(2)), so that page tables are copied once, for the heir. A process between the
 * two ends at once, and so the keeper belongs to nobody here.
 */
#include "clone.h"
#include "heir.h"

#define AT_EMPTY_PATH_ 0x1000
#define CLOSE_RANGE_CLOEXEC_ 4
#define F_DUPFD_CLOEXEC_ 1030
#define O_CLOEXEC_ 02000000
#define SIGCHLD_ 17
#define SIGKILL_ 9
#define WALL_ 0x40000000
/* Above all numbers that are to be filled. */
#define ASIDE 64
#define DIGITS 12

struct forking {
	int fds[4]; /* as in the request */
	struct heir heir;
	void (*become)(void *);
	void *argument;
	volatile s64 result;
};

/* The digits of a pid, at the end of `room`. */
static char *digits_of(s64 pid, char room[DIGITS])
{
	char *at = room + DIGITS - 1;

	*at = 0;
	do {
		*--at = (char)('0' + pid % 10);
		pid /= 10;
	} while (pid > 0);
	return at;
}

static __attribute__((noinline)) _Noreturn void inherit(const struct forking *forking)
{
	sys3(__NR_dup3, forking->fds[0], CONTROL_SOCKET, O_CLOEXEC_);
	sys3(__NR_close_range, CONTROL_SOCKET + 1, ~0u, 0);
	forking->become(forking->argument);
	leave(1);
}

static s64 execute_keeper(const struct forking *forking)
{
	char room[DIGITS], name[] = "mvas-holder";
	char *arguments[] = { name, digits_of(forking->heir.holder, room), 0 };
	char *environment[] = { 0 };

	sys3(__NR_dup3, forking->fds[1], WAIT_SOCKET, 0);
	sys3(__NR_dup3, forking->fds[2], LIFELINE, 0);
	sys1(__NR_close, CONTROL_SOCKET);
	sys3(__NR_close_range, LIFELINE + 1, ~0u, CLOSE_RANGE_CLOEXEC_);
	return sys6(__NR_execveat, ARG(forking->fds[3]), ARG(""), ARG(arguments), ARG(environment),
		    AT_EMPTY_PATH_, 0);
}

/* Shares the memory of the old holder until it executes the keeper's program, or fails. */
static __attribute__((noinline)) _Noreturn void become_keeper(struct forking *forking)
{
	struct clone3_args args;
	s64 child;

	for (int i = 0; i < 4; i++)
		forking->fds[i] = (int)sys3(__NR_fcntl, forking->fds[i], F_DUPFD_CLOEXEC_, ASIDE);
	sys1(__NR_setsid, 0);
	zero(&args, sizeof(args));
	args.exit_signal = SIGCHLD_;
	child = sys2(__NR_clone3, &args, sizeof(args));
	if (child == 0)
		inherit(forking);
	forking->result = child;
	if (child < 0)
		leave(1);
	forking->heir.keeper = sys1(__NR_getpid, 0);
	forking->heir.holder = child;
	forking->result = execute_keeper(forking);
	sys2(__NR_kill, child, SIGKILL_);
	sys4(__NR_wait4, child, 0, WALL_, 0);
	leave(1);
}

/* `work` does not return. */
static s64 vfork_and(void (*work)(struct forking *), struct forking *forking)
{
	struct clone3_args args;
	s64 child;

	zero(&args, sizeof(args));
	args.flags = CLONE_VM_ | CLONE_VFORK_;
	args.exit_signal = SIGCHLD_;
	child = sys2(__NR_clone3, &args, sizeof(args));
	if (child == 0)
		work(forking);
	return child;
}

static __attribute__((noinline)) _Noreturn void be_between(struct forking *forking)
{
	s64 child = vfork_and(become_keeper, forking);

	if (child < 0)
		forking->result = child;
	leave(0);
}

s64 fork_heir(const int *fds, struct heir *heir, void (*become)(void *), void *argument)
{
	struct forking forking;
	s64 between;

	zero(&forking, sizeof(forking));
	copy(forking.fds, fds, sizeof(forking.fds));
	forking.become = become;
	forking.argument = argument;
	between = vfork_and(be_between, &forking);
	if (between < 0)
		return between;
	sys4(__NR_wait4, between, 0, WALL_, 0);
	*heir = forking.heir;
	return forking.result < 0 ? forking.result : 0;
}
