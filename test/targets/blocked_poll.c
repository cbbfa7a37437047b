/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll, ppoll and select in flight, with and without a timeout.
 * @needs: none
 * @expect: restore
 * @varies: state
 */
#include "target.h"
#include <poll.h>
#include <sys/select.h>

static int quiet[2], woken[2];

static void poll_times_out(void *arg)
{
	struct pollfd fd = {quiet[0], POLLIN, 0};
	double begin = seconds(CLOCK_MONOTONIC);
	(void)arg;
	arrived();
	CHECK_EQ("poll with a timeout", 0, poll(&fd, 1, 2000));
	CHECK(seconds(CLOCK_MONOTONIC) - begin >= 1.99, "poll waited its time");
}

static void poll_is_woken(void *arg)
{
	struct pollfd fds[2] = {{quiet[0], POLLIN, 0}, {woken[0], POLLIN, 0}};
	(void)arg;
	arrived();
	CHECK_EQ("poll without a timeout", 1, poll(fds, 2, -1));
	CHECK_EQ("events of the quiet pipe", 0, fds[0].revents);
	CHECK_EQ("events of the written pipe", POLLIN, fds[1].revents);
}

static void ppoll_is_woken(void *arg)
{
	struct pollfd fd = {woken[0], POLLIN, 0};
	struct timespec timeout = {600, 0};
	sigset_t mask, after;
	(void)arg;
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	arrived();
	CHECK_EQ("ppoll", 1, ppoll(&fd, 1, &timeout, &mask));
	sigprocmask(SIG_BLOCK, NULL, &after);
	CHECK_EQ("SIGUSR1 after ppoll", 0, sigismember(&after, SIGUSR1));
	CHECK_EQ("SIGTERM after ppoll", 1, sigismember(&after, SIGTERM));
}

static void select_is_woken(void *arg)
{
	fd_set set;
	struct timeval timeout = {600, 0};
	(void)arg;
	FD_ZERO(&set);
	FD_SET(woken[0], &set);
	arrived();
	CHECK_EQ("select", 1, select(woken[0] + 1, &set, NULL, NULL, &timeout));
	CHECK(FD_ISSET(woken[0], &set), "the pipe is readable");
}

int main(void)
{
	MUST(pipe(quiet));
	MUST(pipe(woken));
	void (*bodies[4])(void *) = {poll_times_out, poll_is_woken, ppoll_is_woken, select_is_woken};
	pid_t pids[4];
	for (int i = 0; i < 4; i++) pids[i] = spawn(bodies[i], NULL);

	ready_and_wait();

	if (write(woken[1], "w", 1) != 1) FAIL("write");
	for (int i = 0; i < 4; i++) expect_exit(pids[i], 0);
	pass();
}
