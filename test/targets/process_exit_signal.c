/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signal by which a child reports its end (clone(2)): one other than SIGCHLD, none, and that of zombies.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/syscall.h>

/* Forks with an exit signal; the child lives until the go, or ends at once. */
static pid_t fork_with(int signal, int lives)
{
	pid_t pid = (pid_t)MUST(syscall(SYS_clone, signal, 0, 0, 0, 0));
	if (pid == 0) {
		if (lives) wait_for_go();
		_exit(signal & 0x3f);
	}
	return pid;
}

static int take(const sigset_t *set, siginfo_t *info)
{
	const struct timespec none = {0};
	return sigtimedwait(set, info, &none);
}

static void expect_signal(const sigset_t *set, int signal, pid_t from)
{
	siginfo_t info;
	CHECK_EQ("signal", signal, take(set, &info));
	CHECK_EQ("its sender", from, info.si_pid);
	CHECK_EQ("its code", CLD_EXITED, info.si_code);
}

static void reap(pid_t pid, int signal)
{
	int status = 0;
	CHECK(waitpid(pid, &status, WNOHANG) == -1 && errno == ECHILD, "no child for a plain wait");
	CHECK_EQ("wait for a clone", pid, waitpid(pid, &status, __WCLONE));
	CHECK_EQ("exit code", signal, WEXITSTATUS(status));
}

int main(void)
{
	sigset_t set;
	siginfo_t info;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid_t living = fork_with(SIGUSR1, 1), silent = fork_with(0, 1);
	pid_t dead = fork_with(SIGUSR2, 0), stopping = fork_with(SIGSTOP, 0);
	MUST(waitid(P_PID, (id_t)dead, &info, WEXITED | WNOWAIT | __WALL));
	MUST(waitid(P_PID, (id_t)stopping, &info, WEXITED | WNOWAIT | __WALL));
	expect_signal(&set, SIGUSR2, dead);

	ready_and_wait();

	CHECK_EQ("no signal by the restore", -1, take(&set, &info));
	reap(dead, SIGUSR2);
	reap(stopping, SIGSTOP);
	MUST(kill(silent, SIGTERM));
	MUST(waitid(P_PID, (id_t)silent, &info, WEXITED | WNOWAIT | __WALL));
	CHECK_EQ("no signal of a silent child", -1, take(&set, &info));
	reap(silent, 0);
	MUST(kill(living, SIGTERM));
	MUST(waitid(P_PID, (id_t)living, &info, WEXITED | WNOWAIT | __WALL));
	expect_signal(&set, SIGUSR1, living);
	reap(living, SIGUSR1);
	pass();
}
