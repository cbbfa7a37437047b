/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A System V message queue with a message, and shared memory that nobody has attached.
 * @needs: none
 * @expect: refuse System V shared memory segment \d+ \(key 0x1235\).*\n.*System V message queue \d+ \(key 0x0\)
 */
#include "target.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/shm.h>

struct message {
	long type;
	char text[8];
};

int main(void)
{
	struct message message = {5, "queued"};
	int segment = MUST(shmget(0x1235, 4096, IPC_CREAT | 0640)), queue = MUST(msgget(IPC_PRIVATE, 0600));
	MUST(msgsnd(queue, &message, sizeof(message.text), 0));

	ready_and_wait();

	CHECK_EQ("id by key", segment, shmget(0x1235, 0, 0));
	memset(&message, 0, sizeof(message));
	CHECK_EQ("msgrcv", sizeof(message.text), msgrcv(queue, &message, sizeof(message.text), 0, IPC_NOWAIT));
	CHECK_STR("text", "queued", message.text);
	pass();
}
