/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Children stopped by job control: still stopped afterwards, and continued by SIGCONT.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

static char state_of(pid_t pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	const char *text = strrchr(slurp(path), ')');
	CHECK(text != NULL, "stat line");
	return text[2];
}

static void child(void *arg)
{
	volatile long secret = (long)arg;
	arrived();
	wait_for_go();
	CHECK_EQ("memory of the stopped child", (long)arg, secret);
}

static pid_t stopped(int signal)
{
	pid_t pid = spawn(child, (void *)(long)signal);
	int status;
	MUST(kill(pid, signal));
	CHECK_EQ("wait for the stop", pid, waitpid(pid, &status, WUNTRACED));
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == signal, "the child has stopped");
	return pid;
}

static void continue_and_finish(pid_t pid)
{
	int status;
	CHECK_EQ("state before SIGCONT", 'T', state_of(pid));
	CHECK_EQ("no exit, no new stop", 0, waitpid(pid, &status, WNOHANG));
	MUST(kill(pid, SIGCONT));
	CHECK_EQ("wait for the continuation", pid, waitpid(pid, &status, WCONTINUED));
	CHECK(WIFCONTINUED(status), "the child goes on");
	finish(pid);
}

int main(void)
{
	pid_t own_group = stopped(SIGSTOP), same_group;
	MUST(setpgid(own_group, own_group));
	same_group = stopped(SIGSTOP);

	ready_and_wait();

	continue_and_finish(own_group);
	continue_and_finish(same_group);
	pass();
}
