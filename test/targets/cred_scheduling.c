/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scheduling: policies, reset-on-fork, nice, CPU affinity, I/O priority.
 * @needs: cap:SYS_NICE
 * @expect: restore
 */
#include "target.h"
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

struct wish {
	int policy, priority, nice, cpu, io;
};

static const struct wish wishes[] = {
	{SCHED_OTHER, 0, 7, 0, 2 << 13 | 6},
	{SCHED_BATCH, 0, 3, 1, 2 << 13 | 1},
	{SCHED_IDLE, 0, 0, 0, 3 << 13},
	{SCHED_OTHER | SCHED_RESET_ON_FORK, 0, 5, 1, 2 << 13 | 3},
};

#define COUNT (sizeof(wishes) / sizeof(wishes[0]))

static void child(void *arg)
{
	const struct wish *wish = arg;
	struct sched_param parameter = {wish->priority};
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(wish->cpu, &set);
	MUST(sched_setaffinity(0, sizeof(set), &set));
	MUST(setpriority(PRIO_PROCESS, 0, wish->nice));
	MUST(sched_setscheduler(0, wish->policy, &parameter));
	MUST(syscall(SYS_ioprio_set, 1, 0, wish->io));
	arrived();
	wait_for_go();
	CHECK_EQ("policy", wish->policy, sched_getscheduler(0));
	MUST(sched_getparam(0, &parameter));
	CHECK_EQ("priority", wish->priority, parameter.sched_priority);
	CHECK_EQ("nice", wish->nice, getpriority(PRIO_PROCESS, 0));
	MUST(sched_getaffinity(0, sizeof(set), &set));
	CHECK_EQ("number of CPUs", 1, CPU_COUNT(&set));
	CHECK(CPU_ISSET(wish->cpu, &set), "the CPU");
	CHECK_EQ("I/O priority", wish->io, syscall(SYS_ioprio_get, 1, 0));
}

int main(void)
{
	pid_t pids[COUNT];
	cpu_set_t set;
	MUST(sched_getaffinity(0, sizeof(set), &set));
	if (!CPU_ISSET(0, &set) || !CPU_ISSET(1, &set)) SKIP("needs CPUs 0 and 1");
	for (size_t i = 0; i < COUNT; i++) pids[i] = spawn(child, (void *)&wishes[i]);

	ready_and_wait();

	for (size_t i = 0; i < COUNT; i++) finish(pids[i]);
	CHECK_EQ("policy of PID 1", SCHED_OTHER, sched_getscheduler(0));
	pass();
}
