/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signal actions of all 64 signals: handler, flags, mask, restorer; and that handlers work.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/syscall.h>

struct kernel_action {
	unsigned long handler, flags, restorer, mask;
};

static volatile int handled_signal, handled_value;

static void plain(int signal)
{
	handled_signal = signal;
}

static void detailed(int signal, siginfo_t *info, void *context)
{
	(void)context;
	handled_signal = signal;
	handled_value = info->si_value.sival_int;
}

static void install(int signal)
{
	static const int flags[4] = {SA_RESTART, SA_NODEFER | SA_RESTART, SA_RESETHAND, SA_NOCLDSTOP};
	struct sigaction action = {.sa_flags = flags[signal % 4]};
	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, signal % 30 + 1);
	if (signal % 5 == 0) {
		action.sa_handler = SIG_IGN;
	} else if (signal % 2 == 0) {
		action.sa_handler = plain;
	} else {
		action.sa_flags |= SA_SIGINFO;
		action.sa_sigaction = detailed;
	}
	MUST(sigaction(signal, &action, NULL));
}

static void read_all(struct kernel_action *actions)
{
	for (int signal = 1; signal <= 64; signal++)
		MUST(syscall(SYS_rt_sigaction, signal, NULL, &actions[signal - 1], 8));
}

int main(void)
{
	static struct kernel_action before[64], after[64];
	for (int signal = 1; signal <= 64; signal++)
		if (signal != SIGKILL && signal != SIGSTOP && signal != SIGTERM && signal != 32 &&
		    signal != 33)
			install(signal);
	read_all(before);

	ready_and_wait();

	read_all(after);
	for (int i = 0; i < 64; i++) {
		char what[64];
		snprintf(what, sizeof(what), "action of signal %d", i + 1);
		CHECK_EQ(what, 0, memcmp(&before[i], &after[i], sizeof(before[i])));
	}
	MUST(raise(SIGUSR2));
	CHECK_EQ("plain handler", SIGUSR2, handled_signal);
	MUST(sigqueue(getpid(), 47, (union sigval){.sival_int = 4711}));
	CHECK_EQ("detailed handler", 47, handled_signal);
	CHECK_EQ("value", 4711, handled_value);
	MUST(raise(SIGILL + 30)); /* 34: SA_RESETHAND */
	MUST(syscall(SYS_rt_sigaction, 34, NULL, &after[33], 8));
	CHECK_EQ("reset after use", (long)SIG_DFL, after[33].handler);
	pass();
}
