/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits that were interrupted before, so that restart_syscall continues them. They were made by syscall(3), whose
 * code does not contain their numbers. They end on time, and not with EINTR.
 * @needs: none
 * @expect: restore
 * @varies: state
 */
#include "target.h"
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>

#define LENGTH 2

static struct timespec length = {LENGTH, 0}, rest;
static int word = 7;

static long sleep_plainly(void)
{
	return syscall(SYS_nanosleep, &length, NULL);
}

static long sleep_for_the_rest(void)
{
	return syscall(SYS_nanosleep, &length, &length);
}

static long sleep_by_realtime(void)
{
	return syscall(SYS_clock_nanosleep, CLOCK_REALTIME, 0, &length, &rest);
}

static long sleep_by_boottime(void)
{
	struct timespec local = length;
	return syscall(SYS_clock_nanosleep, CLOCK_BOOTTIME, 0, &local, NULL);
}

static long poll_a_pipe(void)
{
	int quiet[2];
	MUST(pipe(quiet));
	struct pollfd fds[2] = {{quiet[0], POLLIN, 0}, {-1, 0, 0}};
	return syscall(SYS_poll, fds, 2, LENGTH * 1000);
}

static long poll_nothing(void)
{
	return syscall(SYS_poll, NULL, 0, LENGTH * 1000);
}

static long wait_relative(void)
{
	long result = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 7, &length, NULL, 0);
	return result == -1 && errno == ETIMEDOUT ? 0 : result;
}

static long wait_absolute(void)
{
	struct timespec until;
	MUST(clock_gettime(CLOCK_MONOTONIC, &until));
	until.tv_sec += LENGTH;
	long result = syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 7, &until, NULL,
			      FUTEX_BITSET_MATCH_ANY);
	return result == -1 && errno == ETIMEDOUT ? 0 : result;
}

static const struct {
	const char *name;
	long (*make)(void);
} waits[] = {
	{"nanosleep", sleep_plainly},
	{"nanosleep with a rest", sleep_for_the_rest},
	{"clock_nanosleep by CLOCK_REALTIME", sleep_by_realtime},
	{"clock_nanosleep by CLOCK_BOOTTIME", sleep_by_boottime},
	{"poll", poll_a_pipe},
	{"poll of nothing", poll_nothing},
	{"relative futex wait", wait_relative},
	{"absolute futex wait", wait_absolute},
};
#define COUNT (sizeof(waits) / sizeof(waits[0]))

static void waiter(void *arg)
{
	size_t at = (size_t)arg;
	double begin = seconds(CLOCK_MONOTONIC);
	arrived();
	CHECK_EQ(waits[at].name, 0, waits[at].make());
	double elapsed = seconds(CLOCK_MONOTONIC) - begin;
	if (elapsed < LENGTH - 0.01 || elapsed > LENGTH + 30)
		FAIL("%s: expected %d s, got %.3f s", waits[at].name, LENGTH, elapsed);
}

/* Number of the call that a child blocks in; -1 while it runs. */
static int call_of(pid_t pid)
{
	char path[64];
	int number;
	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	return sscanf(slurp(path), "%d", &number) == 1 ? number : -1;
}

static void wait_for_call(pid_t pid, int is_restart)
{
	int call;
	do {
		sched_yield();
		call = call_of(pid);
	} while (is_restart ? call != SYS_restart_syscall
			    : call != SYS_nanosleep && call != SYS_clock_nanosleep &&
				      call != SYS_poll && call != SYS_futex);
}

static void interrupt(pid_t pid)
{
	int status;
	wait_for_call(pid, 0);
	MUST(kill(pid, SIGSTOP));
	CHECK_EQ("wait for the stop", pid, waitpid(pid, &status, WUNTRACED));
	MUST(kill(pid, SIGCONT));
	CHECK_EQ("wait for the continuation", pid, waitpid(pid, &status, WCONTINUED));
	wait_for_call(pid, 1);
}

int main(void)
{
	pid_t pids[COUNT];
	for (size_t i = 0; i < COUNT; i++) {
		pids[i] = spawn(waiter, (void *)i);
		interrupt(pids[i]);
	}

	ready_and_wait();

	for (size_t i = 0; i < COUNT; i++) expect_exit(pids[i], 0);
	pass();
}
