/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pidfds: of a child, of the process itself, sending signals, waiting, becoming readable at the end.
 * @needs: kernel>=5.4
 * @expect: restore
 */
#include "target.h"
#include <poll.h>
#include <sys/syscall.h>

static void child(void *arg)
{
	(void)arg;
	arrived();
	wait_for_go();
	_exit(8);
}

static int pidfd_open(pid_t pid)
{
	return (int)MUST(syscall(SYS_pidfd_open, pid, 0));
}

int main(void)
{
	siginfo_t info = {0};
	pid_t pid = spawn(child, NULL);
	int of_child = pidfd_open(pid), own = pidfd_open(getpid());
	struct pollfd poller = {of_child, POLLIN, 0};

	ready_and_wait();

	CHECK_EQ("the child lives", 0, poll(&poller, 1, 0));
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", of_child);
	CHECK_EQ("pid of the pidfd", pid, atoi(status_field(path, "Pid")));
	MUST(syscall(SYS_pidfd_send_signal, own, 0, NULL, 0));
	MUST(syscall(SYS_pidfd_send_signal, of_child, SIGTERM, NULL, 0));
	CHECK_EQ("poll", 1, poll(&poller, 1, 60000));
	MUST(waitid(P_PIDFD, (id_t)of_child, &info, WEXITED));
	CHECK_EQ("status", 8, info.si_status);
	CHECK_EQ("close on exec", FD_CLOEXEC, fcntl(own, F_GETFD));
	pass();
}
