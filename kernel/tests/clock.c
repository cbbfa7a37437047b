// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's clock page: a VAS outlives the time namespace it comes from, and keeps none of it.
 */
#include <time.h>

#include "check.h"
#include "revive.h"

#define OFFSET 1000000

static __u32 image;

/* By the vDSO, which reads the clock page for this clock whatever the machine's timer is. */
static time_t vdso_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec;
}

static time_t kernel_seconds(void)
{
	struct timespec now;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec;
}

/* Children are in a namespace whose clock is ahead. */
static bool enter_time_namespace(void)
{
	char text[64];

	if (unshare(CLONE_NEWTIME))
		return false;
	snprintf(text, sizeof(text), "monotonic %d 0", OFFSET);
	write_text("/proc/self/timens_offsets", text);
	return true;
}

static int same_clock(void)
{
	time_t kernel = kernel_seconds();
	time_t vdso = vdso_seconds();

	return vdso >= kernel && vdso <= kernel + 30 ? 0 : 1;
}

static int exec_image(void)
{
	return -revive(image, same_clock);
}

static int keep_inside(void)
{
	struct mvas_fork fork = { .size = sizeof(fork), .mode = 0600, .name = "inside" };

	if (vdso_seconds() < OFFSET)
		return 2;
	fork.flags = MVAS_FILES_WHOLE;
	fork.target = MVAS_TARGET_SELF;
	return call(MVAS_FORK, &fork) ? 3 : 0;
}

/* The namespace ends with its only process. */
static int keep_in_namespace(void)
{
	return enter_time_namespace() ? in_child(keep_inside) : 4;
}

static int exec_in_namespace(void)
{
	return enter_time_namespace() ? in_child(exec_image) : 4;
}

static __u32 find_inside(void)
{
	struct mvas_find find = { .size = sizeof(find), .name = "inside" };

	return call(MVAS_FIND, &find) ? 0 : find.id;
}

/* READ of whatever is mapped reaches the clock's page, too, from a process of another memory. */
static bool read_all(void)
{
	struct mvas_mapping list[64];
	struct mvas_maps maps = { .size = sizeof(maps), .id = image, .capacity = 64 };
	bool special = false;
	char byte;

	maps.mappings = (uintptr_t)list;
	if (call(MVAS_MAPS, &maps))
		return false;
	for (__u32 i = 0; i < maps.count && i < 64; i++) {
		special = special || (list[i].flags & MVAS_MAP_SPECIAL);
		for (__u64 at = list[i].start; at < list[i].end; at += PAGE) {
			int ret = vas_read(image, (void *)at, &byte, 1, NULL);

			if (ret && ret != -EFAULT)
				return false;
		}
	}
	return special;
}

int main(void)
{
	open_device();
	if (access("/proc/self/timens_offsets", F_OK)) {
		check(true, "time namespaces # SKIP this kernel has none");
		return finish();
	}
	check_result(in_child(same_clock), 0, "the vDSO tells the kernel's time");
	check_result(in_child(keep_in_namespace), 0, "FORK of a process in a time namespace");
	image = find_inside();
	check(read_all(), "READ does not stumble over the clock's page");
	check_result(in_child(exec_image), 0, "who EXECs it has the clock of its own namespace");
	check_result(vas_delete(image), 0, "DELETE");

	vdso_seconds();
	check_result(vas_fork(MVAS_TARGET_SELF, MVAS_FILES_WHOLE, &image), 0, "FORK outside");
	check_result(in_child(exec_in_namespace), 0, "EXEC in a time namespace has that one's");
	check_result(vas_delete(image), 0, "DELETE");
	return finish();
}
