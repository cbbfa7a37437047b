/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children that SIGTSTP, SIGTTIN and SIGTTOU have stopped, and whose parent has not asked yet: it learns the
 * signal that stopped each, and learns nothing again of a stop that it has heard of.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

static const int signals[] = {SIGTSTP, SIGTTIN, SIGTTOU};

static void child(void *arg)
{
	(void)arg;
	MUST(setpgid(0, 0)); /* a group that is not orphaned: in others these signals do nothing */
	arrived();
	wait_for_go();
}

static void check_stop(pid_t pid, int signal, int flags)
{
	siginfo_t info = {0};
	MUST(waitid(P_PID, (id_t)pid, &info, WSTOPPED | flags));
	CHECK_EQ("si_code", CLD_STOPPED, info.si_code);
	CHECK_EQ("the signal that stopped it", signal, info.si_status);
}

int main(void)
{
	pid_t pids[3];
	for (int i = 0; i < 3; i++) {
		pids[i] = spawn(child, NULL);
		MUST(kill(pids[i], signals[i]));
		check_stop(pids[i], signals[i], WNOWAIT);
	}

	pid_t told = spawn(child, NULL);
	MUST(kill(told, SIGTSTP));
	check_stop(told, SIGTSTP, 0);

	ready_and_wait();

	CHECK_EQ("a stop that was told", 0, waitpid(told, NULL, WUNTRACED | WNOHANG));
	MUST(kill(told, SIGCONT));
	finish(told);
	for (int i = 0; i < 3; i++) {
		check_stop(pids[i], signals[i], 0);
		MUST(kill(pids[i], SIGCONT));
		finish(pids[i]);
	}
	pass();
}
