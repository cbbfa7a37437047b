// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kept VAS is swapped like any other memory, stays charged, and is not chosen by the OOM killer.
 */
#include <sys/swap.h>

#include "cgroup.h"
#include "revive.h"

#define SIZE (16 * MIB)

static char *memory;

static int fill_and_fork(void)
{
	struct mvas_fork fork = { .size = sizeof(fork), .mode = 0600, .name = "swapped" };

	cgroup_enter("own");
	fill(memory, SIZE, 1);
	fork.flags = MVAS_FILES_WHOLE;
	fork.target = MVAS_TARGET_SELF;
	return call(MVAS_FORK, &fork) ? 1 : 0;
}

static int check_memory(void)
{
	return filled(memory, SIZE, 1) ? 0 : 1;
}

static __u32 image;

static int exec_image(void)
{
	return -revive(image, check_memory);
}

/* Continues in the VAS, and so has little that is resident. */
static int fork_more(void)
{
	__u32 id;
	int ret = vas_fork(MVAS_TARGET_SELF, MVAS_FILES_WHOLE, &id);

	if (!ret)
		vas_delete(id);
	return -ret;
}

static int exec_and_fork_more(void)
{
	return -revive(image, fork_more);
}

static void limited(void)
{
	struct mvas_info info = { .size = sizeof(info) };
	char limit[32];

	call(MVAS_INFO, &info);
	snprintf(limit, sizeof(limit), "%llu", (unsigned long long)info.bytes + SIZE / 2);
	write_text("/sys/module/mvas/parameters/max_bytes", limit);
	check_result(in_child(exec_and_fork_more), ENOSPC, "FORK counts what is swapped out, too");
	write_text("/sys/module/mvas/parameters/max_bytes", "0");
}

static void swapped(void)
{
	struct mvas_find find = { .size = sizeof(find), .name = "swapped" };
	struct mvas_attr attr;
	int fd;

	check_result(in_child(fill_and_fork), 0, "FORK in a cgroup with memory");
	image = call(MVAS_FIND, &find) ? 0 : find.id;
	check(cgroup_figure("own", "memory.current") >= (long)SIZE, "its pages stay charged there");
	if (access("/dev/ram0", F_OK) || system("mkswap /dev/ram0 >/dev/null") ||
	    swapon("/dev/ram0", 0)) {
		check(true, "reclaim # SKIP no swap on this kernel");
		vas_delete(image);
		return;
	}
	fd = open(cgroup_file("own", "memory.reclaim"), O_WRONLY);
	for (int i = 0; i < 8; i++)
		if (write(fd, "16M", 3) < 0 && errno != EAGAIN)
			die("memory.reclaim");
	close(fd);
	check_result(vas_attr(image, &attr), 0, "GETATTR");
	check(attr.bytes < SIZE / 2, "it is swapped out (%llu KiB left)",
	      (unsigned long long)attr.bytes / 1024);
	limited();
	check_result(in_child(exec_image), 0, "EXEC finds all of it");
	check(vas_filled(image, memory, SIZE, 1), "so does READ");
	vas_delete(image);
	check(!swapoff("/dev/ram0"), "the swap can be taken away");
}

static int eat_in_small(void)
{
	cgroup_enter("small");
	return eat();
}

/* The victim's own memory is the VAS's too. */
static void out_of_memory(void)
{
	__u32 id;

	cgroup_make("small", "8388608");
	fill(memory, SIZE, 2);
	vas_fork(MVAS_TARGET_SELF, 0, &id);
	check_result(in_child(eat_in_small), 1000 + SIGKILL,
		     "a process is killed for lack of memory");
	check(vas_filled(id, memory, SIZE, 2), "a VAS is not");
	vas_delete(id);
	check(cgroup_remove("small"), "its cgroup can be removed");
}

static int fork_and_be_killed(void)
{
	if (fill_and_fork())
		return 1;
	return raise(SIGKILL);
}

/* Everything that was charged there is still in use. */
static void killed(void)
{
	struct mvas_find find = { .size = sizeof(find), .name = "swapped" };

	check_result(in_child(fork_and_be_killed), 1000 + SIGKILL,
		     "a process that has FORKed itself is killed");
	check(cgroup_remove("own"), "its cgroup can be removed");
	image = call(MVAS_FIND, &find) ? 0 : find.id;
	check(vas_filled(image, memory, SIZE, 1), "the VAS is there");
	check_result(in_child(exec_image), 0, "and can be executed");
	check_result(vas_delete(image), 0, "and deleted");
}

int main(void)
{
	open_device();
	memory = map_memory(NULL, SIZE);
	cgroup_mount();
	cgroup_make("own", NULL);
	swapped();
	out_of_memory();
	killed();
	umount("/tmp/cgroup");
	return finish();
}
