/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Robust lists: a holder that dies after the restore leaves its mutexes marked; the list heads stay.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <pthread.h>
#include <sys/syscall.h>

static pthread_mutex_t *shared_lock, own_lock;
static pthread_barrier_t arrival, departure;

static void make_robust(pthread_mutex_t *lock, int shared)
{
	pthread_mutexattr_t attributes;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	if (shared) pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	CHECK_EQ("mutex", 0, pthread_mutex_init(lock, &attributes));
}

static void *head_of_list(void)
{
	void *head = NULL;
	size_t length = 0;
	MUST(syscall(SYS_get_robust_list, 0, &head, &length));
	CHECK_EQ("length of the head", 24, length);
	return head;
}

static void child(void *arg)
{
	void *head = head_of_list();
	(void)arg;
	pthread_mutex_lock(shared_lock);
	arrived();
	wait_for_go();
	CHECK_EQ("robust list of the child", (long)head, (long)head_of_list());
	/* Dies with the lock. */
}

static void *thread(void *arg)
{
	void *head = head_of_list();
	pthread_mutex_lock(&own_lock);
	pthread_barrier_wait(&arrival);
	pthread_barrier_wait(&departure);
	CHECK_EQ("robust list of the thread", (long)head, (long)head_of_list());
	return arg; /* with the lock */
}

int main(void)
{
	pthread_t id;
	shared_lock = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	make_robust(shared_lock, 1);
	make_robust(&own_lock, 0);
	pthread_barrier_init(&arrival, NULL, 2);
	pthread_barrier_init(&departure, NULL, 2);
	pid_t pid = spawn(child, NULL);
	pthread_create(&id, NULL, thread, NULL);
	pthread_barrier_wait(&arrival);
	void *head = head_of_list();

	ready_and_wait();

	CHECK_EQ("robust list of the main thread", (long)head, (long)head_of_list());
	CHECK_EQ("lock held by the child", EBUSY, pthread_mutex_trylock(shared_lock));
	finish(pid);
	CHECK_EQ("lock of a dead child", EOWNERDEAD, pthread_mutex_lock(shared_lock));
	pthread_barrier_wait(&departure);
	pthread_join(id, NULL);
	CHECK_EQ("lock of a dead thread", EOWNERDEAD, pthread_mutex_lock(&own_lock));
	pass();
}
