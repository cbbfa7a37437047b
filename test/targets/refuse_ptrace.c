/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child that another process of the container traces, once stopped and once running.
 * @needs: none
 * @expect: refuse pid \d+ \(target\): is being traced by pid 1 \(target\), .* detach
 */
#include "target.h"
#include <sys/ptrace.h>

static void child(void *arg)
{
	if (arg) MUST(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	arrived();
	if (arg) raise(SIGSTOP);
	wait_for_go();
}

int main(void)
{
	int status;
	pid_t stopped = spawn(child, "stop"), running = spawn(child, NULL);
	MUST(waitpid(stopped, &status, 0));
	CHECK(WIFSTOPPED(status), "the child has stopped");
	MUST(ptrace(PTRACE_SEIZE, running, NULL, NULL));

	ready_and_wait();

	MUST(ptrace(PTRACE_CONT, stopped, NULL, NULL));
	finish(stopped);
	MUST(ptrace(PTRACE_INTERRUPT, running, NULL, NULL));
	CHECK_EQ("wait for the stop", running, waitpid(running, &status, 0));
	CHECK(WIFSTOPPED(status), "the other has stopped");
	MUST(ptrace(PTRACE_DETACH, running, NULL, NULL));
	finish(running);
	pass();
}
