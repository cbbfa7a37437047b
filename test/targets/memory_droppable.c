/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of MAP_DROPPABLE, in which the C library (glibc 2.41) keeps the state of getrandom: it is still droppable
 * afterwards.
 * @needs: kernel>=6.11
 * @expect: restore
 */
#include "target.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif
#define LENGTH 65536ul

/* Whether the VmFlags of a mapping have a word. */
static int has_flag(const void *at, const char *flag)
{
	char line[512], start[32];
	int here = 0, found = 0;
	FILE *smaps = fopen("/proc/self/smaps", "r");
	CHECK(smaps != NULL, "smaps");
	snprintf(start, sizeof(start), "%lx-", (unsigned long)at);
	while (fgets(line, sizeof(line), smaps)) {
		if (strncmp(line, start, strlen(start)) == 0) here = 1;
		if (!here || strncmp(line, "VmFlags:", 8) != 0) continue;
		found = strstr(line, flag) != NULL;
		break;
	}
	fclose(smaps);
	return found;
}

static unsigned char *droppable(void)
{
	unsigned char *area = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0);
	if (area == MAP_FAILED) SKIP("this kernel knows no MAP_DROPPABLE");
	fill(area, LENGTH, 1);
	CHECK(has_flag(area, " dp"), "droppable at first");
	return area;
}

static void child(void *arg)
{
	(void)arg;
	unsigned char *area = droppable();
	arrived();
	wait_for_go();
	CHECK(has_flag(area, " dp"), "still droppable in the child");
	area[0] = 1;
}

int main(void)
{
	unsigned char *area = droppable();
	pid_t pid = spawn(child, NULL);

	ready_and_wait();

	CHECK(has_flag(area, " dp"), "still droppable");
	area[0] = 1;
	finish(pid);
	pass();
}
