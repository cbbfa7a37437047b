/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared anonymous memory in pieces stays one object: cut by mprotect, madvise and a hole, moved, grown beyond
 * its end, with a tail that nobody maps any more, and with other parts mapped in other processes.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

#define PAGE 4096ul
#define PAGES 32ul
#define LENGTH (PAGES * PAGE)

static unsigned char *area;

static void child(void *arg)
{
	(void)arg;
	/* Only the parent has the first half. */
	MUST(munmap(area, LENGTH / 2));
	arrived();
	wait_for_go();
	check_fill("what the parent wrote", area + 20 * PAGE, PAGE, 2);
	fill(area + 21 * PAGE, PAGE, 3);
}

/* Whether a page can be read: write(2) says so without a signal. */
static int is_readable(const void *at)
{
	int ends[2];
	MUST(pipe(ends));
	ssize_t got = write(ends[1], at, 1);
	close(ends[0]);
	close(ends[1]);
	return got == 1;
}

int main(void)
{
	const int flags = MAP_SHARED | MAP_ANONYMOUS;
	area = MUST(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, flags | MAP_NORESERVE, -1, 0));
	fill(area, LENGTH, 1);
	MUST(mprotect(area, PAGE, PROT_READ));
	MUST(munmap(area + 4 * PAGE, PAGE));
	MUST(madvise(area + 8 * PAGE, PAGE, MADV_DONTDUMP));
	MUST(madvise(area + 24 * PAGE, PAGE, MADV_REMOVE));
	pid_t pid = spawn(child, NULL);
	unsigned char *room = MUST(mmap(NULL, LENGTH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	MUST(mremap(area + 10 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room));

	unsigned char *grown = MUST(mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0));
	fill(grown, 2 * PAGE, 5);
	grown = MUST(mremap(grown, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE));
	CHECK(!is_readable(grown + 2 * PAGE), "beyond the end of the object at first");

	unsigned char *shrunk = MUST(mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0));
	fill(shrunk, 4 * PAGE, 6);
	MUST(munmap(shrunk + PAGE, 3 * PAGE));

	ready_and_wait();

	for (unsigned long i = 0; i < LENGTH; i++) {
		unsigned long page = i / PAGE;
		if (page == 4 || page == 10) continue;
		unsigned char wanted = page == 24 ? 0 : pattern_byte(i, 1);
		if (area[i] != wanted) FAIL("byte %lu is %u", i, area[i]);
	}
	for (unsigned long i = 0; i < PAGE; i++)
		if (room[i] != pattern_byte(10 * PAGE + i, 1)) FAIL("moved byte %lu is %u", i, room[i]);
	fill(area + 20 * PAGE, PAGE, 2);
	finish(pid);
	check_fill("what the child wrote", area + 21 * PAGE, PAGE, 3);

	check_fill("what has grown", grown, 2 * PAGE, 5);
	CHECK(!is_readable(grown + 2 * PAGE), "beyond the end of the object");
	shrunk = MUST(mremap(shrunk, PAGE, 4 * PAGE, MREMAP_MAYMOVE));
	check_fill("the tail that nobody mapped", shrunk, 4 * PAGE, 6);
	pass();
}
