/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restartable sequences: each thread stays registered, the kernel goes on writing the CPU number, and the
 * signature and address are as before (a second registration fails with EBUSY, not EINVAL or EPERM).
 * @needs: kernel>=4.18
 * @expect: restore
 */
#include "target.h"
#include <pthread.h>
#include <sched.h>
#include <sys/rseq.h>
#include <sys/syscall.h>

#define SIGNATURE 0x53053053

static pthread_barrier_t arrival, departure;

static struct rseq *own_area(void)
{
	return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

static void check_registered(void)
{
	struct rseq *area = own_area();
	CHECK_EQ("registering again", -1, syscall(SYS_rseq, area, 32, 0, SIGNATURE));
	CHECK_EQ("errno", EBUSY, errno);
	CHECK_EQ("another signature", -1, syscall(SYS_rseq, area, 32, 0, SIGNATURE + 1));
	CHECK_EQ("errno", EPERM, errno);
	/* A migration makes the kernel write. */
	for (int cpu = 0; cpu < 2; cpu++) {
		cpu_set_t set;
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		if (sched_setaffinity(0, sizeof(set), &set) == -1) continue;
		sched_yield();
		CHECK_EQ("CPU number", cpu, *(volatile __u32 *)&area->cpu_id);
	}
}

static void *thread(void *arg)
{
	pthread_barrier_wait(&arrival);
	pthread_barrier_wait(&departure);
	check_registered();
	return arg;
}

int main(void)
{
	pthread_t id;
	if (__rseq_size == 0) SKIP("the C library has registered no rseq area");
	pthread_barrier_init(&arrival, NULL, 2);
	pthread_barrier_init(&departure, NULL, 2);
	pthread_create(&id, NULL, thread, NULL);
	pthread_barrier_wait(&arrival);

	ready_and_wait();

	pthread_barrier_wait(&departure);
	pthread_join(id, NULL);
	check_registered();
	pass();
}
