/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zombies: one exited with a code, one killed by a signal, one below a child that lives.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

static pid_t make_zombie(int code, int signal)
{
	pid_t pid = MUST(fork());
	siginfo_t info;
	if (pid == 0) {
		if (signal) kill(getpid(), signal);
		_exit(code);
	}
	MUST(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	return pid;
}

static void check_zombie(pid_t pid, int code, int status)
{
	siginfo_t info = {0};
	MUST(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG));
	CHECK_EQ("pid of the zombie", pid, info.si_pid);
	CHECK_EQ("si_code of the zombie", code, info.si_code);
	CHECK_EQ("si_status of the zombie", status, info.si_status);
	CHECK_EQ("si_uid of the zombie", 0, info.si_uid);
	CHECK(kill(pid, 0) == -1 && errno == ESRCH, "the zombie is reaped");
}

static void keeper(void *arg)
{
	(void)arg;
	pid_t below = make_zombie(9, 0);
	arrived();
	wait_for_go();
	check_zombie(below, CLD_EXITED, 9);
}

int main(void)
{
	pid_t exited = make_zombie(42, 0), killed = make_zombie(0, SIGUSR2);
	pid_t hard = make_zombie(0, SIGKILL), living = spawn(keeper, NULL);

	ready_and_wait();

	CHECK_EQ("group of a zombie", getpgrp(), getpgid(exited));
	check_zombie(killed, CLD_KILLED, SIGUSR2);
	check_zombie(exited, CLD_EXITED, 42);
	check_zombie(hard, CLD_KILLED, SIGKILL);
	finish(living);
	pass();
}
