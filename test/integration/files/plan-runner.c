/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one sequence of a plan in a process of its own: plan-runner PLAN OFFSET. Stops itself by SIGSTOP
 * when all went well; exits with 3 when an operation failed (which one is in the plan's header).
 * Built together with native/pie/plan.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "own-network.h"
#include "plan.h"

/* As in harness.ts: plans hold addresses within themselves. */
#define PLAN_ADDRESS 0x300000000000

int main(int argc, char **argv)
{
	struct rlimit limit;
	struct stat stat;
	struct mvas_plan_header *plan;
	int fd;

	if (argc != 3)
		return 2;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) < 0)
		return 2;
	plan = mmap((void *)PLAN_ADDRESS, (size_t)stat.st_size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
	close(fd);
	if (plan == MAP_FAILED || enter_own_network() < 0)
		return 2;
	if (run_plan(plan, strtoull(argv[2], NULL, 10)) < 0)
		return 3;
	for (;;)
		raise(SIGSTOP);
}
