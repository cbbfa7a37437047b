/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict mode: a child that may only read, write, exit; it is killed for anything else.
 * @needs: none
 * @expect: restore
 */
#include "seccomp.h"

static int question[2], answer[2];

/* No function of the C library below the line: in strict mode they may call anything. */
static void child(void *arg)
{
	char byte;
	(void)arg;
	arrived();
	MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
	syscall(SYS_write, answer[1], "r", 1);
	while (syscall(SYS_read, question[0], &byte, 1) == 1) {
		byte++;
		syscall(SYS_write, answer[1], &byte, 1);
		if (byte == 'z') syscall(SYS_getpid);
	}
	syscall(SYS_exit, 99);
}

static void ask(char byte, char expected)
{
	char got = 0;
	if (byte && write(question[1], &byte, 1) != 1) FAIL("question");
	if (read(answer[0], &got, 1) != 1) FAIL("no answer");
	CHECK_EQ("answer", expected, got);
}

int main(void)
{
	int status = 0;
	MUST(pipe(question));
	MUST(pipe(answer));
	pid_t pid = spawn(child, NULL);
	ask(0, 'r');
	ask('f', 'g');

	ready_and_wait();

	ask('k', 'l');
	ask('y', 'z');
	CHECK_EQ("waitpid", pid, waitpid(pid, &status, 0));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "killed for a forbidden call");
	pass();
}
