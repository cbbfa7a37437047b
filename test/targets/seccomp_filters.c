/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp filters: none in PID 1, one in a child, three in its child, others in another.
 * @needs: none
 * @expect: restore
 */
#include "seccomp.h"

static void check_count(int mode, const char *count)
{
	CHECK_EQ("mode", mode, prctl(PR_GET_SECCOMP));
	CHECK_STR("number of filters", count, status_field("/proc/self/status", "Seccomp_filters"));
}

static void grandchild(void *arg)
{
	(void)arg;
	deny(SYS_getpgid, EDOM, 0);
	deny(SYS_getpriority, ELOOP, 0);
	arrived();
	wait_for_go();
	check_count(2, "3");
	check_denied("getpgid", getpgid(0), EDOM);
	check_denied("getpriority", syscall(SYS_getpriority, 0, 0), ELOOP);
	check_denied("uname", syscall(SYS_uname, NULL), EXFULL);
}

static void child(void *arg)
{
	(void)arg;
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	deny(SYS_uname, EXFULL, 0);
	pid_t below = spawn(grandchild, NULL);
	arrived();
	wait_for_go();
	check_count(2, "1");
	check_denied("uname", syscall(SYS_uname, NULL), EXFULL);
	CHECK(getpgid(0) >= 0, "getpgid is allowed here");
	finish(below);
}

/* Denies what an engine that injects system calls would want to use. */
static void hostile(void *arg)
{
	static const unsigned numbers[] = {SYS_mmap, SYS_munmap, SYS_ptrace, SYS_clone, SYS_clone3,
		SYS_rt_sigaction, SYS_prctl, SYS_arch_prctl, SYS_mremap, SYS_process_vm_readv, SYS_openat};
	(void)arg;
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	arrived();
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) deny(numbers[i], EIO, 0);
	wait_for_go();
	check_denied("mmap", (long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EIO);
	check_denied("openat", open("/", O_RDONLY), EIO);
	check_denied("prctl", prctl(PR_GET_SECCOMP), EIO);
}

int main(void)
{
	pid_t nested = spawn(child, NULL), closed = spawn(hostile, NULL);

	ready_and_wait();

	finish(nested);
	finish(closed);
	check_count(0, "0");
	pass();
}
