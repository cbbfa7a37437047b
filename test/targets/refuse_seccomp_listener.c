/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seccomp filter with a listener descriptor (user notification).
 * @needs: kernel>=5.0
 * @expect: refuse seccomp|notif
 */
#include "seccomp.h"

static void child(void *arg)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpgid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {4, code};
	(void)arg;
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	int fd = (int)MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
				   &program));
	arrived();
	wait_for_go();
	CHECK(fcntl(fd, F_GETFD) >= 0, "the listener is open");
	CHECK_EQ("filter mode", 2, prctl(PR_GET_SECCOMP));
}

int main(void)
{
	pid_t pid = spawn(child, NULL);

	ready_and_wait();

	finish(pid);
	pass();
}
