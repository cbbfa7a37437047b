/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases for reading and for writing, by a descriptor and its copy, with signals of their own; one of a file that has been
 * given to another user since, and one whose owner has given its signals to a child.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

static void child(void *unused)
{
	(void)unused;
	arrived();
	wait_for_go();
}

static int lease(const char *path, int flags, int type)
{
	int fd = MUST(open(path, flags | O_CREAT, 0600));
	MUST(fcntl(fd, F_SETLEASE, type));
	return fd;
}

/* Opens a leased file, which is refused; the signal says which descriptor has the lease. */
static void break_lease(const char *path, int flags, int fd, int signal)
{
	siginfo_t info;
	sigset_t set;

	CHECK(open(path, flags | O_NONBLOCK) == -1 && errno == EWOULDBLOCK, path);
	sigemptyset(&set);
	sigaddset(&set, signal);
	CHECK_EQ("signal", signal, sigtimedwait(&set, &info, &(struct timespec){.tv_sec = 5}));
	if (signal != SIGIO) CHECK_EQ("descriptor", fd, info.si_fd);
	MUST(fcntl(fd, F_SETLEASE, F_UNLCK));
	close(MUST(open(path, flags | O_NONBLOCK)));
}

int main(void)
{
	sigset_t broken;

	sigemptyset(&broken);
	sigaddset(&broken, SIGIO);
	sigaddset(&broken, SIGRTMIN);
	MUST(sigprocmask(SIG_BLOCK, &broken, NULL));
	int reading = lease("/data/read", O_RDONLY, F_RDLCK);
	int writing = lease("/data/write", O_RDWR, F_WRLCK);
	int given = lease("/data/given", O_RDWR, F_WRLCK);
	int told = lease("/data/told", O_RDWR, F_WRLCK);
	MUST(fcntl(writing, F_SETSIG, SIGRTMIN));
	MUST(fchown(given, 1000, 1000));
	MUST(dup(writing));
	pid_t pid = spawn(child, NULL);
	MUST(fcntl(told, F_SETOWN, pid));

	ready_and_wait();

	CHECK_EQ("lease", F_RDLCK, fcntl(reading, F_GETLEASE));
	CHECK_EQ("lease", F_WRLCK, fcntl(writing, F_GETLEASE));
	CHECK_EQ("lease", F_WRLCK, fcntl(given, F_GETLEASE));
	CHECK_EQ("lease", F_WRLCK, fcntl(told, F_GETLEASE));
	CHECK_EQ("owner", getpid(), fcntl(reading, F_GETOWN));
	CHECK_EQ("owner", pid, fcntl(told, F_GETOWN));
	MUST(sigpending(&broken));
	CHECK_EQ("signal that a lease is being broken", 0, sigismember(&broken, SIGIO));
	MUST(kill(pid, SIGTERM));
	expect_exit(pid, 0);
	break_lease("/data/read", O_WRONLY, reading, SIGIO);
	break_lease("/data/write", O_RDONLY, writing, SIGRTMIN);
	pass();
}
