/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resource limits: all sixteen, lowered below what is in use where that is allowed; and they are enforced.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/resource.h>

static struct rlimit wanted[RLIM_NLIMITS];

static void lower(int which, rlim_t soft, rlim_t hard)
{
	struct rlimit now;
	MUST(getrlimit(which, &now));
	wanted[which].rlim_max = hard < now.rlim_max ? hard : now.rlim_max;
	wanted[which].rlim_cur = soft < wanted[which].rlim_max ? soft : wanted[which].rlim_max;
	MUST(setrlimit(which, &wanted[which]));
}

static void lower_all(void)
{
	for (int i = 0; i < RLIM_NLIMITS; i++) MUST(getrlimit(i, &wanted[i]));
	lower(RLIMIT_CPU, 1000, 2000);
	lower(RLIMIT_FSIZE, 8192, 65536);
	lower(RLIMIT_DATA, 64 << 20, 128 << 20);
	lower(RLIMIT_STACK, 1 << 20, 4 << 20);
	lower(RLIMIT_CORE, 0, 0);
	lower(RLIMIT_RSS, 1 << 30, 1 << 30);
	lower(RLIMIT_NPROC, 50, 60);
	lower(RLIMIT_NOFILE, 30, 40);
	lower(RLIMIT_MEMLOCK, 16384, 32768);
	lower(RLIMIT_AS, 256 << 20, 512 << 20);
	lower(RLIMIT_LOCKS, 10, 20);
	lower(RLIMIT_SIGPENDING, 12, 24);
	lower(RLIMIT_MSGQUEUE, 1000, 2000);
	lower(RLIMIT_NICE, 0, 0);
	lower(RLIMIT_RTPRIO, 0, 0);
	lower(RLIMIT_RTTIME, 500000, 600000);
}

static void child(void *arg)
{
	struct rlimit now;
	/* Above the limit that comes after it. */
	int high = MUST(fcntl(1, F_DUPFD, 45));
	(void)arg;
	lower_all();
	arrived();
	wait_for_go();
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		char what[32];
		snprintf(what, sizeof(what), "limit %d", i);
		MUST(getrlimit(i, &now));
		CHECK_EQ(what, wanted[i].rlim_cur, now.rlim_cur);
		CHECK_EQ(what, wanted[i].rlim_max, now.rlim_max);
	}
	CHECK(fcntl(high, F_GETFD) == 0, "the descriptor above the limit is open");
	CHECK(fcntl(1, F_DUPFD, 30) == -1 && errno == EINVAL, "the limit of descriptors bites");
	signal(SIGXFSZ, SIG_IGN);
	int fd = MUST(open("/data/limited", O_RDWR | O_CREAT, 0600));
	CHECK(pwrite(fd, "x", 1, 8192) == -1 && errno == EFBIG, "the limit of file sizes bites");
}

int main(void)
{
	struct rlimit before[RLIM_NLIMITS], now;
	for (int i = 0; i < RLIM_NLIMITS; i++) MUST(getrlimit(i, &before[i]));
	pid_t pid = spawn(child, NULL);

	ready_and_wait();

	finish(pid);
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		MUST(getrlimit(i, &now));
		CHECK_EQ("soft limit of PID 1", before[i].rlim_cur, now.rlim_cur);
		CHECK_EQ("hard limit of PID 1", before[i].rlim_max, now.rlim_max);
	}
	pass();
}
