/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container in a pid namespace of others, whose PID 1 is one of these. $HOLDS says what it has of that process: `pidfd`,
 * `file` (of /proc), `directory` (of /proc, as working directory), `owner` (F_SETOWN), or nothing.
 */
#include "../../targets/target.h"
#include <sys/syscall.h>

int main(void)
{
	const char *holds = getenv("HOLDS");
	int ends[2];

	CHECK(getpid() != 1, "PID 1 is another process");
	if (strcmp(holds, "pidfd") == 0) MUST(syscall(SYS_pidfd_open, 1, 0));
	if (strcmp(holds, "file") == 0) MUST(open("/proc/1/status", O_RDONLY));
	if (strcmp(holds, "directory") == 0) MUST(chdir("/proc/1/task"));
	if (strcmp(holds, "owner") == 0) {
		MUST(pipe(ends));
		MUST(fcntl(ends[0], F_SETOWN, 1));
	}
	ready_and_wait();
	pass();
}
