/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that has adjustments of semaphores of its own (unshare(2), CLONE_SYSVSEM), which apply when it ends.
 * @needs: none
 * @expect: refuse pid 1 \(target\) tid \d+: has adjustments of semaphores \(SEM_UNDO\) of its own.*remedy
 */
#include "target.h"
#include <pthread.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/sem.h>

static int set;

static void *apart(void *arg)
{
	struct sembuf take = {.sem_num = 0, .sem_op = -1, .sem_flg = SEM_UNDO};
	(void)arg;
	MUST(unshare(CLONE_SYSVSEM));
	MUST(semop(set, &take, 1));
	for (;;) pause();
	return NULL;
}

int main(void)
{
	pthread_t thread;
	set = MUST(semget(IPC_PRIVATE, 1, 0600));
	MUST(semctl(set, 0, SETVAL, 5));
	CHECK_EQ("thread", 0, pthread_create(&thread, NULL, apart, NULL));
	while (semctl(set, 0, GETVAL) != 4) usleep(1000);

	ready_and_wait();

	CHECK_EQ("taken", 4, semctl(set, 0, GETVAL));
	pass();
}
