/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared anonymous memory between parent, child and grandchild: one object afterwards too, holes kept,
 * mapped in part and twice.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

#define LENGTH (4ul << 20)

static unsigned char *area, *other;
static volatile int *mailbox;

static void exchange(int me)
{
	while (mailbox[0] != me) usleep(1000);
	mailbox[me] = mailbox[me - 1] + 1;
	mailbox[0] = me + 1;
}

static void grandchild(void *arg)
{
	(void)arg;
	MUST(munmap(other, LENGTH / 2));
	arrived();
	exchange(2);
	check_fill("what the parent wrote", area + 65536, 65536, 71);
	check_fill("second half of the other", other + LENGTH / 2, LENGTH / 2, 20);
	fill(area + 131072, 65536, 72);
	exchange(4);
}

static void child(void *arg)
{
	(void)arg;
	pid_t pid = spawn(grandchild, NULL);
	arrived();
	exchange(3);
	check_fill("what the grandchild wrote before", area, 65536, 10);
	expect_exit(pid, 0);
}

int main(void)
{
	const int flags = MAP_SHARED | MAP_ANONYMOUS;
	area = MUST(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, flags, -1, 0));
	other = MUST(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, flags, -1, 0));
	mailbox = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags, -1, 0));
	void *twin = MUST(mremap(area, 0, LENGTH, MREMAP_MAYMOVE));
	fill(area, 65536, 10);
	fill(other + LENGTH / 2, LENGTH / 2, 20);
	pid_t pid = spawn(child, NULL);

	ready_and_wait();

	check_fill("content", area, 65536, 10);
	check_fill("content by the second mapping", twin, 65536, 10);
	check_zero("a hole", area + 65536, LENGTH - 65536);
	check_zero("first half of the other", other, LENGTH / 2);
	fill(area + 65536, 65536, 71);
	mailbox[1] = 1000;
	mailbox[0] = 2;
	expect_exit(pid, 0);
	CHECK_EQ("the letter went round", 1003, mailbox[4]);
	check_fill("what the grandchild wrote", (char *)twin + 131072, 65536, 72);
	pass();
}
