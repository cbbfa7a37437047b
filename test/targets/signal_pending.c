/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pending signals: of the process and of a thread, with sender, and blocked and ignored ones.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <pthread.h>
#include <sys/syscall.h>

static pthread_barrier_t arrival, departure;

/* The C library's sigtimedwait turns SI_TKILL into SI_USER. */
static long wait_raw(const sigset_t *set, siginfo_t *info)
{
	struct timespec none = {0, 0};
	return syscall(SYS_rt_sigtimedwait, set, info, &none, 8);
}

static siginfo_t take(int signal)
{
	sigset_t set;
	siginfo_t info = {0};
	sigemptyset(&set);
	sigaddset(&set, signal);
	CHECK_EQ("pending signal", signal, wait_raw(&set, &info));
	CHECK(wait_raw(&set, NULL) == -1 && errno == EAGAIN, "pending once only");
	return info;
}

static void *thread(void *arg)
{
	sigset_t pending;
	pthread_barrier_wait(&arrival);
	pthread_barrier_wait(&departure);
	sigpending(&pending);
	CHECK_EQ("SIGHUP pending for the thread", 1, sigismember(&pending, SIGHUP));
	siginfo_t info = take(SIGHUP);
	CHECK_EQ("si_code", SI_TKILL, info.si_code);
	CHECK_EQ("si_pid", 1, info.si_pid);
	return arg;
}

static void block_some(void)
{
	sigset_t set;
	int blocked[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGALRM, SIGWINCH};
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(blocked) / sizeof(blocked[0]); i++) sigaddset(&set, blocked[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGQUIT, SIG_IGN);
}

int main(void)
{
	pthread_t id;
	sigset_t pending, blocked;
	block_some();
	pthread_barrier_init(&arrival, NULL, 2);
	pthread_barrier_init(&departure, NULL, 2);
	pthread_create(&id, NULL, thread, NULL);
	pthread_barrier_wait(&arrival);
	MUST(kill(1, SIGUSR1));
	MUST(syscall(SYS_tgkill, 1, syscall(SYS_gettid), SIGUSR2));
	CHECK_EQ("pthread_kill", 0, pthread_kill(id, SIGHUP));
	pid_t child = MUST(fork());
	if (child == 0) _exit(3);
	MUST(waitid(P_PID, (id_t)child, &(siginfo_t){0}, WEXITED | WNOWAIT));

	ready_and_wait();

	sigpending(&pending);
	CHECK_EQ("SIGUSR1 pending", 1, sigismember(&pending, SIGUSR1));
	CHECK_EQ("SIGHUP is the thread's", 0, sigismember(&pending, SIGHUP));
	CHECK_EQ("SIGALRM not pending", 0, sigismember(&pending, SIGALRM));
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	CHECK_EQ("SIGWINCH blocked", 1, sigismember(&blocked, SIGWINCH));
	CHECK_EQ("SIGQUIT ignored", 0, raise(SIGQUIT));
	siginfo_t info = take(SIGUSR1);
	CHECK_EQ("si_code of kill", SI_USER, info.si_code);
	CHECK_EQ("si_pid of kill", 1, info.si_pid);
	info = take(SIGUSR2);
	CHECK_EQ("si_code of tgkill", SI_TKILL, info.si_code);
	info = take(SIGCHLD);
	CHECK_EQ("si_code of SIGCHLD", CLD_EXITED, info.si_code);
	CHECK_EQ("si_pid of SIGCHLD", child, info.si_pid);
	CHECK_EQ("si_status of SIGCHLD", 3, info.si_status);
	pthread_barrier_wait(&departure);
	pthread_join(id, NULL);
	expect_exit(child, 3);
	pass();
}
