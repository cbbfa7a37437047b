/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocked in sigsuspend, pause and sigtimedwait: the mask in force meanwhile and the one afterwards.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

static volatile sig_atomic_t handled;

static void handler(int signal)
{
	sigset_t now;
	sigprocmask(SIG_BLOCK, NULL, &now);
	handled = signal * 100 + sigismember(&now, SIGUSR2);
}

static void in_sigsuspend(void *arg)
{
	sigset_t usual, meanwhile, after;
	(void)arg;
	signal(SIGUSR1, handler);
	sigemptyset(&usual);
	sigaddset(&usual, SIGUSR1);
	sigaddset(&usual, SIGHUP);
	sigprocmask(SIG_SETMASK, &usual, NULL);
	sigemptyset(&meanwhile);
	sigaddset(&meanwhile, SIGUSR2);
	arrived();
	CHECK_EQ("sigsuspend", -1, sigsuspend(&meanwhile));
	CHECK_EQ("errno", EINTR, errno);
	CHECK_EQ("handled under the temporary mask", SIGUSR1 * 100 + 1, handled);
	sigprocmask(SIG_BLOCK, NULL, &after);
	CHECK_EQ("SIGUSR1 blocked again", 1, sigismember(&after, SIGUSR1));
	CHECK_EQ("SIGHUP blocked again", 1, sigismember(&after, SIGHUP));
	CHECK_EQ("SIGUSR2 not blocked", 0, sigismember(&after, SIGUSR2));
}

static void in_pause(void *arg)
{
	(void)arg;
	signal(SIGUSR1, handler);
	arrived();
	CHECK_EQ("pause", -1, pause());
	CHECK_EQ("errno", EINTR, errno);
	CHECK_EQ("handled", SIGUSR1 * 100, handled);
}

static void in_sigwait(void *arg)
{
	sigset_t set;
	siginfo_t info;
	int got;
	(void)arg;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	struct timespec timeout = {600, 0};
	arrived();
	while ((got = sigtimedwait(&set, &info, &timeout)) == -1 && errno == EINTR) continue;
	CHECK_EQ("sigtimedwait", SIGUSR1, got);
	CHECK_EQ("si_code", SI_USER, info.si_code);
	CHECK_EQ("si_pid", 1, info.si_pid);
}

int main(void)
{
	void (*bodies[3])(void *) = {in_sigsuspend, in_pause, in_sigwait};
	pid_t pids[3];
	for (int i = 0; i < 3; i++) pids[i] = spawn(bodies[i], NULL);

	ready_and_wait();

	for (int i = 0; i < 3; i++) {
		MUST(kill(pids[i], SIGUSR1));
		expect_exit(pids[i], 0);
	}
	pass();
}
