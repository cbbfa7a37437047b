/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each thread has of its own: signal mask, alternate stack, parent death signal, timer slack, nice.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define THREADS 4

static pthread_barrier_t arrival, departure;
static char stacks[THREADS][65536];

static void take_state(long index)
{
	sigset_t set;
	stack_t stack = {.ss_sp = stacks[index], .ss_size = sizeof(stacks[0])};
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + (int)index);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (index != 2) MUST(sigaltstack(&stack, NULL));
	MUST(prctl(PR_SET_PDEATHSIG, SIGRTMIN + 10 + (int)index));
	MUST(prctl(PR_SET_TIMERSLACK, 1000 + index));
	MUST(setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 3 + (int)index));
}

static void verify_state(long index)
{
	sigset_t set;
	stack_t stack = {0};
	int signal = 0;
	pthread_sigmask(SIG_BLOCK, NULL, &set);
	for (long i = 0; i < THREADS; i++)
		CHECK_EQ("blocked in this thread", i == index, sigismember(&set, SIGRTMIN + (int)i));
	CHECK_EQ("SIGTERM blocked", 1, sigismember(&set, SIGTERM));
	MUST(sigaltstack(NULL, &stack));
	if (index == 2) {
		CHECK_EQ("no alternate stack", SS_DISABLE, stack.ss_flags);
	} else {
		CHECK_EQ("alternate stack", (long)stacks[index], (long)stack.ss_sp);
		CHECK_EQ("size of the alternate stack", sizeof(stacks[0]), stack.ss_size);
		CHECK_EQ("flags of the alternate stack", 0, stack.ss_flags);
	}
	MUST(prctl(PR_GET_PDEATHSIG, &signal));
	CHECK_EQ("death signal", SIGRTMIN + 10 + (int)index, signal);
	CHECK_EQ("timer slack", 1000 + index, prctl(PR_GET_TIMERSLACK));
	CHECK_EQ("nice", 3 + index, getpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid)));
}

static void *body(void *arg)
{
	take_state((long)arg);
	pthread_barrier_wait(&arrival);
	pthread_barrier_wait(&departure);
	verify_state((long)arg);
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	pthread_barrier_init(&arrival, NULL, THREADS + 1);
	pthread_barrier_init(&departure, NULL, THREADS + 1);
	for (long i = 0; i < THREADS; i++)
		CHECK_EQ("pthread_create", 0, pthread_create(&threads[i], NULL, body, (void *)i));
	pthread_barrier_wait(&arrival);

	ready_and_wait();

	pthread_barrier_wait(&departure);
	for (int i = 0; i < THREADS; i++) CHECK_EQ("join", 0, pthread_join(threads[i], NULL));
	CHECK_EQ("nice of the main thread", 0, getpriority(PRIO_PROCESS, 0));
	pass();
}
