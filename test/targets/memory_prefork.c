/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A parent with 32 MiB and eight children that have only inherited them, as in prefork servers and in a background
 * save of redis: the memory exists only once, before and after. MEGABYTES and CHILDREN in the environment change
 * the numbers.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

#define MOST 256

static unsigned char *area;
static size_t length;
static int count;
static pid_t pids[MOST];

static void child(void *arg)
{
	(void)arg;
	arrived();
	wait_for_go();
	check_fill("inherited memory", area, 65536, 1);
}

/* Proportional share of memory, in bytes: pages that N processes map count 1/N each (proc(5)). */
static unsigned long share_of(const char *process)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%s/smaps_rollup", process);
	return strtoul(status_field(path, "Pss"), NULL, 10) * 1024;
}

static void check_shared(const char *when)
{
	char pid[16];
	unsigned long sum = share_of("self");
	for (int i = 0; i < count; i++) {
		snprintf(pid, sizeof(pid), "%d", pids[i]);
		sum += share_of(pid);
	}
	if (sum > 2 * length)
		FAIL("%s: expected about %lu MiB in all processes, got %lu", when,
		     (unsigned long)length >> 20, sum >> 20);
}

static int setting(const char *name, int otherwise)
{
	const char *value = getenv(name);
	return value ? atoi(value) : otherwise;
}

int main(void)
{
	length = (size_t)setting("MEGABYTES", 32) << 20;
	count = setting("CHILDREN", 8);
	CHECK(count <= MOST, "children");
	area = MUST(mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	fill(area, length, 1);
	for (int i = 0; i < count; i++) pids[i] = spawn(child, NULL);
	check_shared("at first");

	ready_and_wait();

	check_shared("afterwards");
	for (int i = 0; i < count; i++) finish(pids[i]);
	pass();
}
