/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session keyring: never that of the host's root, before or after a restore, and one for all processes.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/syscall.h>

#define GET_KEYRING_ID 0
#define DESCRIBE       6
#define SESSION        (-3)

static long session(void)
{
	return MUST(syscall(SYS_keyctl, GET_KEYRING_ID, SESSION, 0));
}

static void check_session(const char *when)
{
	char text[256] = "";
	MUST(syscall(SYS_keyctl, DESCRIBE, SESSION, text, sizeof(text) - 1));
	if (strstr(text, "_uid")) FAIL("session keyring %s: it is the host's: %s", when, text);
}

static void child(void *arg)
{
	const long *of_parent = arg;
	arrived();
	wait_for_go();
	check_session("of a child");
	CHECK_EQ("session keyring of a child", *of_parent, session());
}

int main(void)
{
	long *own = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	if (syscall(SYS_keyctl, GET_KEYRING_ID, SESSION, 0) < 0 && errno == ENOSYS)
		SKIP("no keyrings in this kernel");
	check_session("of a new container");
	pid_t pid = spawn(child, own);

	ready_and_wait();

	check_session("after the wait");
	*own = session();
	finish(pid);
	pass();
}
