/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process of a pod: PID 1 of a new pid namespace, which reaps whatever it inherits. Prints
 * its pid, as the host sees it; ends with the process that was started.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void reap(void)
{
	sigset_t ended;
	int signal;

	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ended, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		while (waitpid(-1, NULL, __WALL) > 0)
			;
		sigwait(&ended, &signal);
	}
}

int main(void)
{
	pid_t pid;

	if (unshare(CLONE_NEWPID) != 0)
		return 1;
	pid = fork();
	if (pid == 0)
		reap();
	printf("%d\n", (int)pid);
	fflush(stdout);
	pause();
	return 0;
}
