/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System V shared memory (attached and not), semaphores and message queues.
 * @needs: none
 * @expect: refuse segment \d+ \(key 0x1234\): is attached by pid 1 \(target\), and(.|\n)*\(key 0x1235\): nobody has it attached
 */
#include "target.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

struct message {
	long type;
	char text[8];
};

int main(void)
{
	struct message message = {5, "queued"};
	int segment = MUST(shmget(0x1234, 65536, IPC_CREAT | 0600)), loose = MUST(shmget(0x1235, 4096, IPC_CREAT | 0640));
	int semaphores = MUST(semget(0x1236, 3, IPC_CREAT | 0600)), queue = MUST(msgget(0x1237, IPC_CREAT | 0600));
	unsigned char *at = MUST(shmat(segment, NULL, 0)), *short_lived = MUST(shmat(loose, NULL, 0));
	fill(at, 65536, 1);
	fill(short_lived, 4096, 2);
	MUST(shmdt(short_lived));
	MUST(semctl(semaphores, 1, SETVAL, 17));
	MUST(msgsnd(queue, &message, sizeof(message.text), 0));

	ready_and_wait();

	check_fill("attached", at, 65536, 1);
	CHECK_EQ("id by key", segment, shmget(0x1234, 0, 0));
	short_lived = MUST(shmat(MUST(shmget(0x1235, 0, 0)), NULL, 0));
	check_fill("not attached", short_lived, 4096, 2);
	CHECK_EQ("semaphore", 17, semctl(MUST(semget(0x1236, 0, 0)), 1, GETVAL));
	memset(&message, 0, sizeof(message));
	CHECK_EQ("msgrcv", sizeof(message.text), msgrcv(queue, &message, sizeof(message.text), 0, IPC_NOWAIT));
	CHECK_EQ("type", 5, message.type);
	CHECK_STR("text", "queued", message.text);
	MUST(shmctl(segment, IPC_RMID, NULL));
	pass();
}
