/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vDSO at its old address works, in PID 1 and in a thread, and clocks do not jump.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>

static void check_clock(clockid_t clock)
{
	struct timespec by_vdso, by_kernel;
	MUST(clock_gettime(clock, &by_vdso));
	MUST(syscall(SYS_clock_gettime, clock, &by_kernel));
	double gap = (double)(by_kernel.tv_sec - by_vdso.tv_sec) +
		     (double)(by_kernel.tv_nsec - by_vdso.tv_nsec) / 1e9;
	if (gap < 0 || gap > 5) FAIL("clock %d: vDSO and kernel are %g s apart", clock, gap);
}

static void *check_all(void *arg)
{
	struct timeval now;
	unsigned cpu = 99;
	for (int i = 0; i < 1000; i++) {
		check_clock(CLOCK_MONOTONIC);
		check_clock(CLOCK_REALTIME);
		check_clock(CLOCK_BOOTTIME);
	}
	check_clock(CLOCK_MONOTONIC_COARSE);
	MUST(gettimeofday(&now, NULL));
	CHECK(time(NULL) - now.tv_sec <= 5, "time and gettimeofday");
	CHECK_EQ("getcpu", 0, getcpu(&cpu, NULL));
	CHECK(cpu < 1024, "number of the CPU");
	return arg;
}

int main(void)
{
	pthread_t id;
	const char *vdso = (const char *)getauxval(AT_SYSINFO_EHDR);
	double before = seconds(CLOCK_MONOTONIC);
	check_all(NULL);

	ready_and_wait();

	double elapsed = seconds(CLOCK_MONOTONIC) - before;
	CHECK(elapsed >= 0 && elapsed < 120, "the monotonic clock goes on");
	CHECK_EQ("address in the auxiliary vector", (long)vdso, (long)getauxval(AT_SYSINFO_EHDR));
	CHECK_EQ("an ELF image lies there", 0, memcmp(vdso, "\177ELF", 4));
	check_all(NULL);
	pthread_create(&id, NULL, check_all, NULL);
	pthread_join(id, NULL);
	pass();
}
