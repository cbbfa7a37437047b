/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Realtime policies, their priorities and the reset-on-fork flag.
 * @needs: cap:SYS_NICE realtime
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
	{SCHED_FIFO, 5, 0, 1, 2 << 13 | 4},
	{SCHED_RR | SCHED_RESET_ON_FORK, 9, 0, 0, 2 << 13 | 3},
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
	struct sched_param probe = {1}, none = {0};
	if (sched_setscheduler(0, SCHED_FIFO, &probe) == -1) SKIP("the cgroup has no realtime budget");
	MUST(sched_setscheduler(0, SCHED_OTHER, &none));
	cpu_set_t set;
	MUST(sched_getaffinity(0, sizeof(set), &set));
	if (!CPU_ISSET(0, &set) || !CPU_ISSET(1, &set)) SKIP("needs CPUs 0 and 1");
	for (size_t i = 0; i < COUNT; i++) pids[i] = spawn(child, (void *)&wishes[i]);

	ready_and_wait();

	for (size_t i = 0; i < COUNT; i++) finish(pids[i]);
	CHECK_EQ("policy of PID 1", SCHED_OTHER, sched_getscheduler(0));
	pass();
}
