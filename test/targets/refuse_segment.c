/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small segment of System V shared memory that two processes have attached, as every PostgreSQL has one. The
 * refusal names them, and does not tell to remove what they use.
 * @needs: none
 * @expect: refuse segment \d+ \(key 0x4242\): is attached by pid 1 \(target\), pid \d+ \(target\), and .* remedy: have it detached
 */
#include "target.h"
#include <sys/ipc.h>
#include <sys/shm.h>

#define SIZE 56

static unsigned char *at;

static void child(void *arg)
{
	(void)arg;
	arrived();
	wait_for_go();
	check_fill("what the parent wrote", at, SIZE, 2);
}

int main(void)
{
	struct shmid_ds facts;
	int segment = MUST(shmget(0x4242, SIZE, IPC_CREAT | IPC_EXCL | 0600));
	at = MUST(shmat(segment, NULL, 0));
	fill(at, SIZE, 1);
	pid_t pid = spawn(child, NULL);

	ready_and_wait();

	check_fill("content", at, SIZE, 1);
	CHECK_EQ("id by key", segment, shmget(0x4242, 0, 0));
	MUST(shmctl(segment, IPC_STAT, &facts));
	CHECK_EQ("attachments", 2, facts.shm_nattch);
	fill(at, SIZE, 2);
	finish(pid);
	pass();
}
