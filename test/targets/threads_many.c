/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fifty threads: ids, names, thread-local storage, joining with a value.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define THREADS 50

static __thread long local_value;
static __thread char local_text[32];
static pthread_barrier_t arrival;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t go = PTHREAD_COND_INITIALIZER;
static int gone;

static void *body(void *arg)
{
	long index = (long)arg, tid = syscall(SYS_gettid);
	char name[16], got[16] = "";
	snprintf(name, sizeof(name), "worker-%ld", index);
	MUST(prctl(PR_SET_NAME, name));
	local_value = index * 7919;
	snprintf(local_text, sizeof(local_text), "local %ld", index);
	void *self = (void *)pthread_self();
	pthread_barrier_wait(&arrival);

	pthread_mutex_lock(&lock);
	while (!gone) pthread_cond_wait(&go, &lock);
	pthread_mutex_unlock(&lock);

	CHECK_EQ("tid", tid, syscall(SYS_gettid));
	CHECK_EQ("thread-local value", index * 7919, local_value);
	CHECK_EQ("pthread_self", (long)self, (long)pthread_self());
	char text[32];
	snprintf(text, sizeof(text), "local %ld", index);
	CHECK_STR("thread-local text", text, local_text);
	MUST(prctl(PR_GET_NAME, got));
	CHECK_STR("thread name", name, got);
	return (void *)(index + 1000);
}

int main(void)
{
	pthread_t threads[THREADS];
	pthread_barrier_init(&arrival, NULL, THREADS + 1);
	for (long i = 0; i < THREADS; i++)
		CHECK_EQ("pthread_create", 0, pthread_create(&threads[i], NULL, body, (void *)i));
	pthread_barrier_wait(&arrival);

	ready_and_wait();

	pthread_mutex_lock(&lock);
	gone = 1;
	pthread_cond_broadcast(&go);
	pthread_mutex_unlock(&lock);
	for (long i = 0; i < THREADS; i++) {
		void *value = NULL;
		CHECK_EQ("pthread_join", 0, pthread_join(threads[i], &value));
		CHECK_EQ("value of a thread", i + 1000, (long)value);
	}
	pass();
}
