/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System V shared memory: attached by two processes, twice by one, read-only, in part, and by nobody; smaller than
 * its pages; of another owner; removed while it is attached.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#define PAGE 4096
#define SIZE (8 * PAGE)

static int segment, loose, small, gone, partial;
static unsigned char *at, *again, *reader, *tiny, *removed, *piece;

static int attachments(int id)
{
	struct shmid_ds facts;
	MUST(shmctl(id, IPC_STAT, &facts));
	return facts.shm_nattch;
}

static void child(void *arg)
{
	(void)arg;
	MUST(shmdt(again));
	MUST(shmdt(removed));
	arrived();
	wait_for_go();
	check_fill("what the parent wrote", at, SIZE, 9);
	at[0] = 77;
}

int main(void)
{
	struct shmid_ds facts;
	MUST(shmctl(MUST(shmget(IPC_PRIVATE, 1, 0600)), IPC_RMID, NULL)); /* So that ids are not a new namespace's. */
	segment = MUST(shmget(0x4242, SIZE, IPC_CREAT | IPC_EXCL | 0600));
	at = MUST(shmat(segment, NULL, 0));
	again = MUST(shmat(segment, NULL, 0));
	reader = MUST(shmat(segment, NULL, SHM_RDONLY));
	fill(at, SIZE, 1);
	loose = MUST(shmget(0x4243, 3 * PAGE + 10, IPC_CREAT | 0640));
	unsigned char *short_lived = MUST(shmat(loose, NULL, 0));
	fill(short_lived, 4 * PAGE, 2); /* Also what is beyond its size. */
	MUST(shmdt(short_lived));
	MUST(shmctl(loose, IPC_STAT, &facts));
	facts.shm_perm.uid = 33;
	facts.shm_perm.gid = 34;
	facts.shm_perm.mode = 0604;
	MUST(shmctl(loose, IPC_SET, &facts));
	small = MUST(shmget(0x4244, 56, IPC_CREAT | 0600));
	tiny = MUST(shmat(small, NULL, 0));
	fill(tiny, PAGE, 3);
	gone = MUST(shmget(0x4245, 2 * PAGE, IPC_CREAT | 0600));
	removed = MUST(shmat(gone, NULL, 0));
	fill(removed, 2 * PAGE, 4);
	MUST(shmctl(gone, IPC_RMID, NULL));
	partial = MUST(shmget(IPC_PRIVATE, SIZE, 0600));
	piece = MUST(shmat(partial, NULL, 0));
	fill(piece, SIZE, 5);
	MUST(munmap(piece, PAGE));
	MUST(munmap(piece + 4 * PAGE, PAGE));
	MUST(mprotect(piece + 2 * PAGE, PAGE, PROT_READ));
	int before = attachments(partial);
	pid_t pid = spawn(child, NULL);

	ready_and_wait();

	check_fill("content", at, SIZE, 1);
	check_fill("again", again, SIZE, 1);
	check_fill("for reading", reader, SIZE, 1);
	fill(at, SIZE, 9);
	check_fill("shared", again, SIZE, 9);
	check_fill("shared for reading", reader, SIZE, 9);
	CHECK_EQ("never writable", -1, mprotect(reader, PAGE, PROT_READ | PROT_WRITE));
	CHECK_EQ("id by key", segment, shmget(0x4242, 0, 0));
	CHECK_EQ("attachments", 5, attachments(segment));
	CHECK_EQ("of the loose one", 0, attachments(loose));
	CHECK_EQ("of the small one", 2, attachments(small));
	CHECK_EQ("of the removed one", 1, attachments(gone));
	CHECK_EQ("of the pieces", 2 * before, attachments(partial));
	CHECK_EQ("id by key", loose, shmget(0x4243, 0, 0));
	MUST(shmctl(loose, IPC_STAT, &facts));
	CHECK_EQ("size", 3 * PAGE + 10, facts.shm_segsz);
	CHECK_EQ("uid", 33, facts.shm_perm.uid);
	CHECK_EQ("gid", 34, facts.shm_perm.gid);
	CHECK_EQ("creator", 0, facts.shm_perm.cuid);
	CHECK_EQ("mode", 0604, facts.shm_perm.mode);
	short_lived = MUST(shmat(loose, NULL, 0));
	check_fill("not attached", short_lived, 4 * PAGE, 2);
	check_fill("small", tiny, PAGE, 3);
	check_fill("removed", removed, 2 * PAGE, 4);
	MUST(shmctl(gone, IPC_STAT, &facts));
	CHECK_EQ("mode of the removed", 01600, facts.shm_perm.mode);
	CHECK_EQ("its key is free", -1, shmget(0x4245, 0, 0));
	for (int i = PAGE; i < SIZE; i++)
		if (i < 4 * PAGE || i >= 5 * PAGE) CHECK_EQ("pieces", pattern_byte(i, 5), piece[i]);
	finish(pid);
	CHECK_EQ("what the child wrote", 77, again[0]);
	MUST(shmdt(removed));
	CHECK_EQ("gone", -1, shmctl(gone, IPC_STAT, &facts));
	pass();
}
