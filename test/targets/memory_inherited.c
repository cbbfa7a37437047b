/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What processes share since a fork, and what they have made of it: pages written by the parent or the child,
 * dropped by the child, new in the parent; mappings split by protections, cut, and grown; by the child of a child,
 * as of a master that is not PID 1. Each has its own content to the last page, and what is shared exists only
 * once.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

#define PAGE 4096ul
#define PAGES 2048ul /* of each area */
#define LENGTH (PAGES * PAGE)
#define GRANDCHILDREN 4

static unsigned char *first, *second, *third, *wiped;
static pid_t grandchildren[GRANDCHILDREN], master_pid;

/* A page says who wrote it and which one it is; writer 0: nobody. */
static void stamp(unsigned char *area, unsigned long page, unsigned long writer)
{
	unsigned long *words = (unsigned long *)(area + page * PAGE);
	words[0] = writer ? writer << 32 | page : 0;
	words[511] = words[0];
}

static void stamp_all(unsigned char *area, unsigned long from, unsigned long to, unsigned long writer)
{
	for (unsigned long page = from; page < to; page++) stamp(area, page, writer);
}

static void check_page(const char *what, unsigned char *area, unsigned long page, unsigned long writer)
{
	unsigned long *words = (unsigned long *)(area + page * PAGE);
	unsigned long expected = writer ? writer << 32 | page : 0;
	if (words[0] != expected || words[511] != expected)
		FAIL("%s: page %lu: expected %lx, got %lx", what, page, expected, words[0]);
}

static void check_pages(const char *what, unsigned char *area, unsigned long from, unsigned long to,
			unsigned long writer)
{
	for (unsigned long page = from; page < to; page++) check_page(what, area, page, writer);
}

static unsigned char *new_area(void)
{
	return MUST(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

/* Of the first area every second page of its beginning is the master's. */
static void check_first(const char *who)
{
	for (unsigned long page = 0; page < PAGES; page++)
		check_page(who, first, page, page < PAGES / 2 && page % 2 ? 2 : 1);
}

static void untouched(void *arg)
{
	(void)arg;
	arrived();
	wait_for_go();
	check_first("untouched: first");
	check_pages("untouched: second", second, 0, PAGES, 3);
	check_pages("untouched: third, written before the fork", third, 0, PAGES / 2, 3);
	check_pages("untouched: third, empty", third, PAGES / 2, PAGES, 0);
	check_pages("untouched: wiped", wiped, 0, PAGES, 0);
}

static void half_written(void *arg)
{
	(void)arg;
	for (unsigned long page = 0; page < PAGES; page += 2) stamp(second, page, 4);
	stamp_all(third, PAGES - 8, PAGES, 4);
	arrived();
	wait_for_go();
	check_first("half written: first");
	for (unsigned long page = 0; page < PAGES; page++)
		check_page("half written: second", second, page, page % 2 ? 3 : 4);
	check_pages("half written: third, its own", third, PAGES - 8, PAGES, 4);
	check_pages("half written: third, empty", third, PAGES / 2, PAGES - 8, 0);
}

static void dropped(void *arg)
{
	(void)arg;
	for (unsigned long page = 0; page < PAGES; page += 16)
		MUST(madvise(second + page * PAGE, 4 * PAGE, MADV_DONTNEED));
	stamp(second, 1, 5);
	arrived();
	wait_for_go();
	check_first("dropped: first");
	for (unsigned long page = 0; page < PAGES; page++)
		check_page("dropped: second", second, page, page == 1 ? 5 : page % 16 < 4 ? 0 : 3);
	stamp_all(second, 0, PAGES, 5);
	check_pages("dropped: second, written again", second, 0, PAGES, 5);
}

/* Split by a protection, cut at its end, with a hole. */
static void cut(void *arg)
{
	(void)arg;
	MUST(mprotect(second + 16 * PAGE, 16 * PAGE, PROT_READ));
	MUST(mprotect(second + 48 * PAGE, 16 * PAGE, PROT_NONE));
	MUST(munmap(second + 128 * PAGE, 16 * PAGE));
	MUST(munmap(first + (PAGES - 64) * PAGE, 64 * PAGE));
	stamp(first, 3, 6);
	arrived();
	wait_for_go();
	MUST(mprotect(second + 48 * PAGE, 16 * PAGE, PROT_READ));
	check_pages("cut: second", second, 0, 128, 3);
	check_pages("cut: second, behind the hole", second, 144, PAGES, 3);
	for (unsigned long page = 0; page < PAGES - 64; page++)
		check_page("cut: first", first, page, page == 3 ? 6 : page < PAGES / 2 && page % 2 ? 2 : 1);
}

static void (*const bodies[GRANDCHILDREN])(void *) = {untouched, half_written, dropped, cut};

static void master(void *arg)
{
	(void)arg;
	for (unsigned long page = 1; page < PAGES / 2; page += 2) stamp(first, page, 2);
	second = new_area();
	third = new_area();
	wiped = new_area();
	stamp_all(second, 0, PAGES, 3);
	stamp_all(third, 0, PAGES / 2, 3);
	stamp_all(wiped, 0, PAGES, 3);
	MUST(madvise(wiped, LENGTH, MADV_WIPEONFORK));
	for (int i = 0; i < GRANDCHILDREN; i++) grandchildren[i] = spawn(bodies[i], NULL);
	/* From here on the children share these among themselves. */
	stamp_all(second, PAGES - 256, PAGES, 7);
	stamp_all(third, PAGES / 2, PAGES - 64, 7);
	arrived();
	wait_for_go();
	check_first("master: first");
	check_pages("master: second", second, 0, PAGES - 256, 3);
	check_pages("master: second, written later", second, PAGES - 256, PAGES, 7);
	check_pages("master: third", third, 0, PAGES / 2, 3);
	check_pages("master: third, written later", third, PAGES / 2, PAGES - 64, 7);
	check_pages("master: third, empty", third, PAGES - 64, PAGES, 0);
	stamp_all(first, 0, PAGES, 8);
	for (int i = 0; i < GRANDCHILDREN; i++) finish(grandchildren[i]);
}

/* Proportional share of memory, in KiB: pages that N processes map count 1/N each (proc(5)). */
static unsigned long share_of(int pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	return strtoul(status_field(path, "Pss"), NULL, 10);
}

/* Pids of the grandchildren follow that of the master. */
static unsigned long share_of_all(void)
{
	unsigned long sum = share_of(1);
	for (int i = 0; i <= GRANDCHILDREN; i++) sum += share_of(master_pid + i);
	return sum;
}

int main(void)
{
	first = new_area();
	stamp_all(first, 0, PAGES, 1);
	master_pid = spawn(master, NULL);
	unsigned long before = share_of_all();

	ready_and_wait();

	unsigned long after = share_of_all();
	if (after > before + before / 2) FAIL("memory of all processes: expected %lu KiB, got %lu", before, after);
	check_pages("init: first", first, 0, PAGES, 1);
	stamp_all(first, 0, PAGES, 9);
	finish(master_pid);
	pass();
}
