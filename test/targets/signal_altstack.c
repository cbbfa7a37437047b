/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting in a handler that runs on the alternate stack, within another handler: all frames return.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

static char stack[262144];
static volatile int depth_reached, returned;

static int is_on_stack(const void *at)
{
	return (const char *)at >= stack && (const char *)at < stack + sizeof(stack);
}

static void check_stack(int flags)
{
	stack_t now;
	MUST(sigaltstack(NULL, &now));
	CHECK_EQ("alternate stack", (long)stack, (long)now.ss_sp);
	CHECK_EQ("size", sizeof(stack), now.ss_size);
	CHECK_EQ("flags", flags, now.ss_flags);
}

static void inner(int signal)
{
	int here = signal;
	CHECK(is_on_stack(&here), "the inner handler is on the alternate stack");
	depth_reached = 2;
	ready_and_wait();
	check_stack(SS_ONSTACK);
	CHECK_EQ("argument", SIGUSR2, here);
	returned++;
}

static void outer(int signal)
{
	double number = 3.25 * signal;
	volatile double kept = number;
	raise(SIGUSR2);
	CHECK(kept == 3.25 * SIGUSR1, "local of the outer handler");
	check_stack(SS_ONSTACK);
	returned++;
}

int main(void)
{
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_handler = outer, .sa_flags = SA_ONSTACK};
	MUST(sigaltstack(&alternate, NULL));
	MUST(sigaction(SIGUSR1, &action, NULL));
	action.sa_handler = inner;
	MUST(sigaction(SIGUSR2, &action, NULL));
	raise(SIGUSR1);
	CHECK_EQ("depth", 2, depth_reached);
	CHECK_EQ("handlers that returned", 2, returned);
	check_stack(0);
	pass();
}
