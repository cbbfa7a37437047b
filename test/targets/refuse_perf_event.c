/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A performance counter.
 * @needs: cap:PERFMON
 * @expect: refuse perf
 */
#include "target.h"
#include <linux/perf_event.h>
#include <sys/syscall.h>

int main(void)
{
	struct perf_event_attr wish = {.type = PERF_TYPE_SOFTWARE, .size = sizeof(wish)};
	wish.config = PERF_COUNT_SW_TASK_CLOCK;
	int fd = (int)syscall(SYS_perf_event_open, &wish, 0, -1, -1, 0);
	if (fd == -1) SKIP("this kernel gives no performance counter");

	ready_and_wait();

	unsigned long long count = 0;
	CHECK_EQ("read", sizeof(count), read(fd, &count, sizeof(count)));
	CHECK(count > 0, "it counts");
	pass();
}
