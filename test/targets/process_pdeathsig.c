/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parent death signals: kept, and delivered when the parent dies after the restore.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/prctl.h>

static void grandchild(void *arg)
{
	sigset_t set;
	int signal = 0;
	pid_t parent = getppid();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	MUST(prctl(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0));
	arrived();
	while (sigwaitinfo(&set, NULL) != SIGUSR1)
		if (errno != EINTR) FAIL("sigwaitinfo: %s", strerror(errno));
	MUST(prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0));
	CHECK_EQ("death signal", SIGUSR1, signal);
	CHECK(getppid() != parent, "the parent has gone");
	if (write((int)(long)arg, "d", 1) != 1) FAIL("report");
}

static void child(void *arg)
{
	spawn(grandchild, arg);
	arrived();
	wait_for_go();
}

int main(void)
{
	int report[2], signal = 0;
	char byte = 0;
	MUST(pipe(report));
	pid_t pid = spawn(child, (void *)(long)report[1]);
	MUST(prctl(PR_SET_PDEATHSIG, SIGUSR2, 0, 0, 0));

	ready_and_wait();

	MUST(prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0));
	CHECK_EQ("death signal of PID 1", SIGUSR2, signal);
	finish(pid);
	close(report[1]);
	CHECK_EQ("the grandchild was told", 1, read(report[0], &byte, 1));
	CHECK_EQ("report", 'd', byte);
	CHECK(waitpid(-1, NULL, 0) > 0, "the orphan is reaped");
	pass();
}
