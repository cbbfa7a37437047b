/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chain of 60 processes that share some memory and have changed some: of the program's data, of what it
 * has mapped, of their stacks. In the middle one runs the program anew, and shares nothing with those above.
 * Each has its own content to the last page, may write to it without another seeing that, and what is
 * shared exists only once.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

#include <dirent.h>

#define PAGE 4096ul
#define LINKS 60l
#define ANEW 30l /* who runs the program anew */
#define OWN 4ul  /* pages of each area, at its start, that each link writes to */

struct area {
	unsigned char *at;
	unsigned long pages;
};

static unsigned char data[8 * PAGE] __attribute__((aligned(4096))) = {1};
static unsigned char zeroed[8 * PAGE] __attribute__((aligned(4096)));
static struct area areas[] = {{data, 8}, {zeroed, 8}, {NULL, 512}, {NULL, 5}, {NULL, 0}};
static unsigned long origin; /* the link whose content is shared here */

static void stamp(unsigned char *area, unsigned long page, unsigned long writer)
{
	unsigned long *words = (unsigned long *)(area + page * PAGE);
	words[0] = writer << 32 | page;
	words[511] = words[0];
}

static void check(unsigned long link, const struct area *area, unsigned long page, unsigned long writer)
{
	unsigned long *words = (unsigned long *)(area->at + page * PAGE);
	unsigned long expected = writer ? writer << 32 | page : 0;
	if (words[0] != expected || words[511] != expected)
		FAIL("link %lu: area %ld, page %lu: expected %lx, got %lx", link, (long)(area - areas), page,
		     expected, words[0]);
}

/* A page of its own of each area, one of the first. */
static void change(unsigned long link, unsigned long writer)
{
	for (struct area *area = areas; area->pages; area++) stamp(area->at, link % OWN, writer);
}

/* Which of the links from `origin` on wrote a page last, as this one sees it. */
static unsigned long writer_of(unsigned long link, unsigned long page)
{
	if (page >= OWN) return origin;
	while (link > origin && link % OWN != page) link--;
	return link;
}

static void check_all(unsigned long link, unsigned long own)
{
	for (struct area *area = areas; area->pages; area++)
		for (unsigned long page = 0; page < area->pages; page++) {
			int is_own = page == link % OWN;
			check(link, area, page, is_own ? own : writer_of(link, page));
		}
}

static void set_up(unsigned long link)
{
	origin = link;
	for (struct area *area = areas; area->pages; area++) {
		if (!area->at)
			area->at = MUST(mmap(NULL, area->pages * PAGE, PROT_READ | PROT_WRITE,
					     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		for (unsigned long page = 0; page < area->pages; page++) stamp(area->at, page, link);
	}
}

static void live(unsigned long link);

static void born(void *link)
{
	live((unsigned long)link);
}

static void run_anew(void *link)
{
	char number[2][16];
	snprintf(number[0], sizeof(number[0]), "%lu", (unsigned long)link);
	snprintf(number[1], sizeof(number[1]), "%d", target_arrival);
	MUST(fcntl(target_arrival, F_SETFD, 0));
	MUST(execl("/proc/self/exe", "anew", number[0], number[1], (char *)NULL));
}

static void live(unsigned long link)
{
	unsigned char local[3 * PAGE];
	pid_t next = 0;

	memset(local, (int)link, sizeof(local));
	change(link, link);
	if (link < LINKS) next = spawn(link + 1 == ANEW ? run_anew : born, (void *)(link + 1));
	arrived();
	wait_for_go();
	check_all(link, link);
	change(link, link + 1000);
	if (next) finish(next);
	check_all(link, link + 1000);
	for (unsigned long i = 0; i < sizeof(local); i++)
		if (local[i] != (unsigned char)link) FAIL("link %lu: stack at %lu", link, i);
}

/* Proportional share of memory, in KiB: pages that N processes map count 1/N each (proc(5)). */
static unsigned long share_of_all(void)
{
	DIR *proc = opendir("/proc");
	unsigned long sum = 0;
	if (!proc) FAIL("/proc: %s", strerror(errno));
	for (struct dirent *entry; (entry = readdir(proc));) {
		char path[300];
		if (strtoul(entry->d_name, NULL, 10) == 0) continue;
		snprintf(path, sizeof(path), "/proc/%s/smaps_rollup", entry->d_name);
		sum += strtoul(status_field(path, "Pss"), NULL, 10);
	}
	closedir(proc);
	return sum;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[0], "anew") == 0) {
		target_arrival = atoi(argv[2]);
		set_up(strtoul(argv[1], NULL, 10));
		live(origin);
		return 0;
	}
	set_up(1);
	change(1, 1);
	pid_t next = spawn(born, (void *)2l);
	unsigned long before = share_of_all();

	ready_and_wait();

	unsigned long after = share_of_all();
	if (after > before + before / 2) FAIL("memory of all processes: expected %lu KiB, got %lu", before, after);
	check_all(1, 1);
	change(1, 1001);
	finish(next);
	check_all(1, 1001);
	pass();
}
