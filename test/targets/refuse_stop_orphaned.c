/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child that SIGTSTP has stopped, whose parent has not asked yet and has made a session since: the
 * signal stops nobody in an orphaned process group, so it cannot stop the child again.
 * @needs: none
 * @expect: refuse \(target\): its parent has not heard that SIGTSTP has stopped it, .* orphaned
 */
#include "target.h"

static void stopped(void *arg)
{
	(void)arg;
	MUST(setpgid(0, 0));
	arrived();
	wait_for_go();
}

static void parent(void *arg)
{
	(void)arg;
	siginfo_t info = {0};
	pid_t child = spawn(stopped, NULL);
	MUST(kill(child, SIGTSTP));
	MUST(waitid(P_PID, (id_t)child, &info, WSTOPPED | WNOWAIT));
	MUST(setsid());
	arrived();
	wait_for_go();
	MUST(waitid(P_PID, (id_t)child, &info, WSTOPPED));
	CHECK_EQ("the signal that stopped it", SIGTSTP, info.si_status);
	MUST(kill(child, SIGCONT));
	finish(child);
}

int main(void)
{
	pid_t pid = spawn(parent, NULL);

	ready_and_wait();

	finish(pid);
	pass();
}
