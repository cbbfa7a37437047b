/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signalfd: its mask, a pending signal read through it, non-blocking.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/signalfd.h>

int main(void)
{
	struct signalfd_siginfo info;
	sigset_t set, second;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&second);
	sigaddset(&second, SIGUSR2);
	sigprocmask(SIG_BLOCK, &second, NULL);
	int one = MUST(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)), two = MUST(signalfd(-1, &second, SFD_NONBLOCK));
	MUST(sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 321}));

	ready_and_wait();

	CHECK_EQ("close on exec", FD_CLOEXEC, fcntl(one, F_GETFD));
	CHECK_EQ("read", sizeof(info), read(one, &info, sizeof(info)));
	CHECK_EQ("signal", SIGRTMIN + 2, info.ssi_signo);
	CHECK_EQ("value", 321, info.ssi_int);
	CHECK(read(one, &info, sizeof(info)) == -1 && errno == EAGAIN, "no further signal");
	MUST(raise(SIGUSR2));
	CHECK(read(one, &info, sizeof(info)) == -1 && errno == EAGAIN, "not in the first mask");
	CHECK_EQ("read", sizeof(info), read(two, &info, sizeof(info)));
	CHECK_EQ("signal of the second", SIGUSR2, info.ssi_signo);
	pass();
}
