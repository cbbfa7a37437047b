/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Futex waits that time out, relative and absolute: on time, with ETIMEDOUT and not EINTR.
 * @needs: none
 * @expect: restore
 * @varies: state
 */
#include "target.h"
#include <linux/futex.h>
#include <sys/syscall.h>

#define LENGTH 2

static void waiter(void *arg)
{
	static int word;
	int is_absolute = arg != NULL;
	struct timespec timeout = {LENGTH, 0};
	double begin = seconds(CLOCK_MONOTONIC);
	int operation = is_absolute ? FUTEX_WAIT_BITSET : FUTEX_WAIT;
	if (is_absolute) {
		MUST(clock_gettime(CLOCK_MONOTONIC, &timeout));
		timeout.tv_sec += LENGTH;
	}
	arrived();
	long result = syscall(SYS_futex, &word, operation, 0, &timeout, NULL, FUTEX_BITSET_MATCH_ANY);
	CHECK_EQ("futex wait", -1, result);
	CHECK_EQ("errno", ETIMEDOUT, errno);
	CHECK(seconds(CLOCK_MONOTONIC) - begin >= LENGTH - 0.01, "it waited its time");
}

int main(void)
{
	pid_t relative = spawn(waiter, NULL), absolute = spawn(waiter, "absolute");

	ready_and_wait();

	expect_exit(relative, 0);
	expect_exit(absolute, 0);
	pass();
}
