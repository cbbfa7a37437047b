/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vfork in flight: the parent is suspended and shares its memory with the child.
 * @needs: none
 * @expect: refuse pid \d+ \(target\): does not stop: it may wait for a vfork child|shares its memory
 */
#include "target.h"

static void parent(void *arg)
{
	(void)arg;
	volatile int written = 0;
	arrived();
	pid_t pid = vfork();
	if (pid == 0) {
		written = 42;
		wait_for_go();
		_exit(6);
	}
	int status;
	CHECK_EQ("the child wrote into the parent", 42, written);
	MUST(waitpid(pid, &status, 0));
	CHECK_EQ("status", 6, WEXITSTATUS(status));
}

int main(void)
{
	pid_t pid = spawn(parent, NULL), child;
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	while ((child = atoi(slurp(path))) == 0) usleep(1000);

	ready_and_wait();

	MUST(kill(child, SIGTERM));
	expect_exit(pid, 0);
	pass();
}
