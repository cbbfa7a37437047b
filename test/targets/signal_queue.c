/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue of realtime signals: order, number and values, for the process and for one thread.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/syscall.h>

#define COUNT 40

static void queue(int signal, int value, int to_thread)
{
	siginfo_t info = {.si_signo = signal, .si_code = SI_QUEUE};
	info.si_pid = getpid();
	info.si_uid = 12;
	info.si_value.sival_ptr = (void *)(0x100000000L + value);
	if (to_thread) MUST(syscall(SYS_rt_tgsigqueueinfo, 1, 1, signal, &info));
	else MUST(syscall(SYS_rt_sigqueueinfo, 1, signal, &info));
}

static void expect_queued(int signal, int value)
{
	sigset_t set;
	siginfo_t info;
	struct timespec none = {0, 0};
	sigemptyset(&set);
	sigaddset(&set, signal);
	CHECK_EQ("queued signal", signal, sigtimedwait(&set, &info, &none));
	CHECK_EQ("si_code", SI_QUEUE, info.si_code);
	CHECK_EQ("si_uid", 12, info.si_uid);
	CHECK_EQ("value", 0x100000000L + value, (long)info.si_value.sival_ptr);
}

int main(void)
{
	sigset_t set, pending;
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < COUNT; i++) {
		queue(SIGRTMIN + 3, i, 0);
		if (i % 2) queue(SIGRTMIN + 4, i, 1);
	}

	ready_and_wait();

	for (int i = 0; i < COUNT; i++) {
		expect_queued(SIGRTMIN + 3, i);
		if (i % 2) expect_queued(SIGRTMIN + 4, i);
	}
	sigpending(&pending);
	CHECK_EQ("queue of the process is empty", 0, sigismember(&pending, SIGRTMIN + 3));
	CHECK_EQ("queue of the thread is empty", 0, sigismember(&pending, SIGRTMIN + 4));
	pass();
}
