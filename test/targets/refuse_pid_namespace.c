/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A nested pid namespace with a process in it.
 * @needs: cap:SYS_ADMIN
 * @expect: refuse namespace
 */
#include "target.h"
#include <sched.h>
#include <sys/syscall.h>

int main(void)
{
	int gate[2];
	char byte;
	MUST(pipe(gate));
	pid_t pid = (pid_t)MUST(syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0));
	if (pid == 0) {
		CHECK_EQ("pid inside", 1, syscall(SYS_getpid));
		CHECK_EQ("write", 1, write(gate[1], "r", 1));
		wait_for_go();
		CHECK_EQ("pid inside", 1, syscall(SYS_getpid));
		_exit(0);
	}
	CHECK_EQ("read", 1, read(gate[0], &byte, 1));

	ready_and_wait();

	finish(pid);
	pass();
}
