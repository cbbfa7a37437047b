/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flags of mappings, as VmFlags of smaps shows them: advice, huge page advice, fork and dump behaviour,
 * locking, no reserve; and an anonymous mapping's name.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/prctl.h>

#define LENGTH (4ul << 20)

struct area {
	int advice;
	const char *flag;
	unsigned char *at;
};

static struct area areas[] = {
	{MADV_HUGEPAGE, "hg", NULL},   {MADV_NOHUGEPAGE, "nh", NULL}, {MADV_DONTFORK, "dc", NULL},
	{MADV_DONTDUMP, "dd", NULL},   {MADV_SEQUENTIAL, "sr", NULL}, {MADV_RANDOM, "rr", NULL},
	{MADV_WIPEONFORK, "wf", NULL}, {MADV_MERGEABLE, "mg", NULL},
};

#define COUNT (sizeof(areas) / sizeof(areas[0]))

/* True when the mapping that starts at the address has the flag; FAIL when there is none. */
static int has_flag(const void *at, const char *flag)
{
	char start[32], line[512], wanted[8];
	int inside = 0, found = -1;
	FILE *smaps = fopen("/proc/self/smaps", "re");
	CHECK(smaps != NULL, "smaps");
	snprintf(start, sizeof(start), "%08lx-", (unsigned long)at);
	snprintf(wanted, sizeof(wanted), " %s ", flag);
	while (fgets(line, sizeof(line), smaps)) {
		if (strncmp(line, start, strlen(start)) == 0) inside = 1;
		if (!inside || strncmp(line, "VmFlags:", 8) != 0) continue;
		found = strstr(line, wanted) != NULL;
		break;
	}
	fclose(smaps);
	CHECK(found >= 0, "a mapping starts at the address");
	return found;
}

static unsigned char *map(int flags)
{
	/* Room on both sides, so that no two mappings are merged. */
	unsigned char *room = MUST(mmap(NULL, LENGTH + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	unsigned char *at = MUST(mmap(room + 4096, LENGTH, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | flags, -1, 0));
	fill(at, 65536, 1);
	return at;
}

int main(void)
{
	int known[COUNT];
	for (size_t i = 0; i < COUNT; i++) {
		areas[i].at = map(0);
		known[i] = madvise(areas[i].at, LENGTH, areas[i].advice) == 0 && has_flag(areas[i].at, areas[i].flag);
	}
	unsigned char *locked = map(0), *unreserved = map(MAP_NORESERVE), *named = map(0);
	MUST(mlock(locked, 32768));
	unsigned char *on_fault = map(0);
	MUST(mlock2(on_fault, 32768, MLOCK_ONFAULT));
	int reserve_shows = has_flag(unreserved, "nr");
	int has_name = prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, named, LENGTH, "a name") == 0;

	ready_and_wait();

	for (size_t i = 0; i < COUNT; i++) {
		CHECK_EQ(areas[i].flag, known[i], has_flag(areas[i].at, areas[i].flag));
		/* A restored process counts as a child of fork: what is wiped on fork is wiped there. */
		if (areas[i].advice == MADV_WIPEONFORK && areas[i].at[0] == 0)
			check_zero(areas[i].flag, areas[i].at, 65536);
		else check_fill(areas[i].flag, areas[i].at, 65536, 1);
	}
	CHECK_EQ("locked", 1, has_flag(locked, "lo"));
	CHECK_EQ("no reserve", reserve_shows, has_flag(unreserved, "nr"));
	CHECK_EQ("locked at once", 0, has_flag(locked, "lf"));
	CHECK_EQ("locked on fault", 1, has_flag(on_fault, "lf"));
	CHECK_STR("locked memory", "64 kB", status_field("/proc/self/status", "VmLck"));
	if (has_name) CHECK(strstr(slurp("/proc/self/maps"), "[anon:a name]") != NULL, "name of a mapping");
	pid_t pid = MUST(fork());
	if (pid == 0) {
		check_zero("wiped on fork", areas[6].at, 65536);
		_exit(0);
	}
	expect_exit(pid, 0);
	pass();
}
