/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A System V semaphore set, which no process has open in any sense.
 * @needs: none
 * @expect: refuse System V semaphore set \d+ \(key 0x1236\): .*remedy
 */
#include "target.h"
#include <sys/ipc.h>
#include <sys/sem.h>

int main(void)
{
	int semaphores = MUST(semget(0x1236, 3, IPC_CREAT | 0600));
	MUST(semctl(semaphores, 1, SETVAL, 17));

	ready_and_wait();

	CHECK_EQ("id by key", semaphores, semget(0x1236, 0, 0));
	CHECK_EQ("semaphore", 17, semctl(semaphores, 1, GETVAL));
	MUST(semctl(semaphores, 0, IPC_RMID));
	pass();
}
