/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seccomp is a thread's own: a filter of one thread, and one synchronised to all by TSYNC.
 * @needs: none
 * @expect: restore
 */
#include "seccomp.h"
#include <pthread.h>

static pthread_barrier_t arrival, departure;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static void *thread(void *arg)
{
	int has_own = arg != NULL;
	pthread_barrier_wait(&arrival); /* after TSYNC, which wants one common ancestor */
	if (has_own) deny(SYS_getpgid, EDOM, 0);
	pthread_barrier_wait(&arrival);
	pthread_barrier_wait(&departure);
	pthread_mutex_lock(&turn); /* the checks' buffer is not thread-safe */
	check_denied("uname by the common filter", syscall(SYS_uname, NULL), EXFULL);
	if (has_own) check_denied("getpgid by the own filter", getpgid(0), EDOM);
	else CHECK(getpgid(0) >= 0, "getpgid is allowed in this thread");
	CHECK_STR("number of filters", has_own ? "2" : "1",
		  status_field("/proc/thread-self/status", "Seccomp_filters"));
	pthread_mutex_unlock(&turn);
	return NULL;
}

int main(void)
{
	pthread_t own, common;
	pthread_barrier_init(&arrival, NULL, 3);
	pthread_barrier_init(&departure, NULL, 3);
	pthread_create(&own, NULL, thread, "own");
	pthread_create(&common, NULL, thread, NULL);
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	deny(SYS_uname, EXFULL, SECCOMP_FILTER_FLAG_TSYNC);
	pthread_barrier_wait(&arrival);
	pthread_barrier_wait(&arrival);

	ready_and_wait();

	pthread_barrier_wait(&departure);
	pthread_join(own, NULL);
	pthread_join(common, NULL);
	check_denied("uname in the main thread", syscall(SYS_uname, NULL), EXFULL);
	CHECK(getpgid(0) >= 0, "getpgid is allowed in the main thread");
	pass();
}
