/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neighbours that differ only in their protection: which of them are written, and for which the kernel accounts
 * memory (ac in VmFlags) or never will (nr).
 * @needs: none
 * @expect: restore
 */
#include "target.h"

#define PIECES 48
#define PAGE 4096ul

static const int PROTECTIONS[] = {PROT_READ, PROT_READ | PROT_WRITE, PROT_NONE,
				  PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE | PROT_EXEC};

static unsigned char *all;

static int protection(int piece)
{
	return PROTECTIONS[piece % 5];
}

static int is_written(int piece)
{
	return (protection(piece) & PROT_WRITE) && piece % 3;
}

/* For each piece 1: ac, 2: nr. */
static void read_reserves(int reserves[PIECES])
{
	unsigned long start = 0, end = 0;
	char line[512];
	FILE *smaps = fopen("/proc/self/smaps", "re");
	CHECK(smaps != NULL, "smaps");
	for (int i = 0; i < PIECES; i++) reserves[i] = -1;
	while (fgets(line, sizeof(line), smaps)) {
		unsigned long first, last;
		if (sscanf(line, "%lx-%lx ", &first, &last) == 2) {
			start = first;
			end = last;
		}
		if (strncmp(line, "VmFlags:", 8)) continue;
		for (int i = 0; i < PIECES; i++) {
			unsigned long at = (unsigned long)all + (unsigned long)i * PAGE;
			if (at < start || at >= end) continue;
			reserves[i] = (strstr(line, " ac") != NULL) | (strstr(line, " nr") != NULL) << 1;
		}
	}
	fclose(smaps);
}

int main(void)
{
	int before[PIECES], after[PIECES];
	all = MUST(mmap(NULL, PIECES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	for (int i = 0; i < PIECES; i++) {
		unsigned char *piece = all + (unsigned long)i * PAGE;
		MUST(mprotect(piece, PAGE, protection(i)));
		if (is_written(i)) fill(piece, PAGE, (unsigned)i);
	}
	read_reserves(before);

	ready_and_wait();

	read_reserves(after);
	for (int i = 0; i < PIECES; i++) {
		unsigned char *piece = all + (unsigned long)i * PAGE;
		CHECK_EQ("reserve", before[i], after[i]);
		if (is_written(i)) check_fill("content", piece, PAGE, (unsigned)i);
		else if (protection(i) != PROT_NONE) check_zero("nothing", piece, PAGE);
	}
	pass();
}
