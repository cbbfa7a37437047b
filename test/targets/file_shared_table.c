/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A descriptor table shared by two processes (CLONE_FILES): what one opens, the other sees.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sched.h>

static char stack[65536] __attribute__((aligned(16)));
static volatile int *mailbox;

static int child(void *arg)
{
	(void)arg;
	mailbox[0] = 1;
	wait_for_go();
	int fd = MUST(open("/data/by-child", O_RDWR | O_CREAT, 0600));
	CHECK_EQ("write", 5, write(fd, "hello", 5));
	mailbox[1] = fd;
	return 0;
}

int main(void)
{
	char text[8] = "";
	mailbox = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	pid_t pid = MUST(clone(child, stack + sizeof(stack), CLONE_FILES | SIGCHLD, NULL));
	while (!mailbox[0]) usleep(1000);

	ready_and_wait();

	finish(pid);
	CHECK_EQ("read of the child's descriptor", 5, pread(mailbox[1], text, 5, 0));
	CHECK_STR("content", "hello", text);
	pass();
}
