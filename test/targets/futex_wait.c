/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Futex waiters: private within a process, shared between processes, and a PI mutex.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>

static int private_word;
static int *shared_word;
static pthread_mutex_t inheriting;
static pthread_barrier_t arrival;

static long futex(int *word, int operation, int value, struct timespec *timeout)
{
	return syscall(SYS_futex, word, operation, value, timeout, NULL, 0);
}

static void *waits_private(void *arg)
{
	struct timespec timeout = {600, 0};
	pthread_barrier_wait(&arrival);
	long result = futex(&private_word, FUTEX_WAIT_PRIVATE, 0, arg ? &timeout : NULL);
	if (result == -1 && errno == EAGAIN) result = 0; /* woken before it slept */
	CHECK_EQ("private futex wait", 0, result);
	CHECK_EQ("word", 1, private_word);
	return NULL;
}

static void *wants_mutex(void *arg)
{
	pthread_barrier_wait(&arrival);
	CHECK_EQ("lock of a PI mutex", 0, pthread_mutex_lock(&inheriting));
	CHECK_EQ("unlock of a PI mutex", 0, pthread_mutex_unlock(&inheriting));
	return arg;
}

static void waits_shared(void *arg)
{
	(void)arg;
	arrived();
	long result = futex(shared_word, FUTEX_WAIT, 0, NULL);
	if (result == -1 && errno == EAGAIN) result = 0;
	CHECK_EQ("shared futex wait", 0, result);
	CHECK_EQ("shared word", 7, *(volatile int *)shared_word);
}

int main(void)
{
	pthread_t threads[3];
	pthread_mutexattr_t attributes;
	shared_word = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	pid_t child = spawn(waits_shared, NULL);
	pthread_mutexattr_init(&attributes);
	CHECK_EQ("PI protocol", 0, pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT));
	pthread_mutex_init(&inheriting, &attributes);
	pthread_mutex_lock(&inheriting);
	pthread_barrier_init(&arrival, NULL, 4);
	pthread_create(&threads[0], NULL, waits_private, NULL);
	pthread_create(&threads[1], NULL, waits_private, "timeout");
	pthread_create(&threads[2], NULL, wants_mutex, NULL);
	pthread_barrier_wait(&arrival);

	ready_and_wait();

	__atomic_store_n(&private_word, 1, __ATOMIC_SEQ_CST);
	MUST(futex(&private_word, FUTEX_WAKE_PRIVATE, 100, NULL));
	__atomic_store_n(shared_word, 7, __ATOMIC_SEQ_CST);
	MUST(futex(shared_word, FUTEX_WAKE, 100, NULL));
	CHECK_EQ("unlock of the PI mutex", 0, pthread_mutex_unlock(&inheriting));
	for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
	expect_exit(child, 0);
	pass();
}
