/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System V semaphores: their values and owners, and what is undone when a process ends (SEM_UNDO), of several processes, in
 * both directions.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/sem.h>

static int set, other;

static void operate(int index, int op, int flags)
{
	struct sembuf ops = {.sem_num = index, .sem_op = op, .sem_flg = flags};
	MUST(semop(set, &ops, 1));
}

static void child(void *arg)
{
	(void)arg;
	operate(0, -3, SEM_UNDO);
	operate(1, 1, SEM_UNDO);
	operate(2, -32767, SEM_UNDO);
	operate(3, 20000, SEM_UNDO);
	arrived();
	wait_for_go();
}

static void *idle(void *arg)
{
	(void)arg;
	for (;;) pause();
	return NULL;
}

int main(void)
{
	struct semid_ds facts;
	unsigned short values[5];
	pthread_t thread;
	MUST(semctl(MUST(semget(IPC_PRIVATE, 1, 0600)), 0, IPC_RMID)); /* So that ids are not a new namespace's. */
	set = MUST(semget(0x1236, 5, IPC_CREAT | 0600));
	other = MUST(semget(IPC_PRIVATE, 300, 0640));
	MUST(semctl(set, 0, SETALL, (unsigned short[]){10, 0, 32767, 12767, 4}));
	MUST(semctl(other, 299, SETVAL, 17));
	MUST(semctl(other, 0, IPC_STAT, &facts));
	facts.sem_perm.uid = 33;
	MUST(semctl(other, 0, IPC_SET, &facts));
	pid_t pid = spawn(child, NULL);
	CHECK_EQ("thread", 0, pthread_create(&thread, NULL, idle, NULL));
	operate(4, -1, SEM_UNDO);
	MUST(semctl(set, 0, IPC_STAT, &facts));
	time_t last = facts.sem_otime;

	ready_and_wait();

	CHECK_EQ("id by key", set, semget(0x1236, 0, 0));
	MUST(semctl(set, 0, GETALL, values));
	CHECK_EQ("value 0", 7, values[0]);
	CHECK_EQ("value 1", 1, values[1]);
	CHECK_EQ("value 2", 0, values[2]);
	CHECK_EQ("value 3", 32767, values[3]);
	CHECK_EQ("value 4", 3, values[4]);
	CHECK_EQ("of another", 17, semctl(other, 299, GETVAL));
	MUST(semctl(set, 0, IPC_STAT, &facts));
	CHECK(facts.sem_otime >= last, "time of the last operation");
	MUST(semctl(other, 0, IPC_STAT, &facts));
	CHECK_EQ("uid", 33, facts.sem_perm.uid);
	CHECK_EQ("mode", 0640, facts.sem_perm.mode & 0777);
	finish(pid);
	MUST(semctl(set, 0, GETALL, values));
	CHECK_EQ("undone 0", 10, values[0]);
	CHECK_EQ("undone 1", 0, values[1]);
	CHECK_EQ("undone 2", 32767, values[2]);
	CHECK_EQ("undone 3", 12767, values[3]);
	CHECK_EQ("not undone", 3, values[4]);
	pass();
}
