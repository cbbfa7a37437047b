// SPDX-License-Identifier: GPL-2.0-only
/* A kept VAS is swapped like any other memory, stays charged, and is no prey of the OOM killer. */
#include <sys/swap.h>

#include "check.h"
#include "revive.h"

#define SIZE (16 * MIB)

static char *memory;

static void enter_cgroup(const char *path)
{
	char file[128], text[16];

	snprintf(file, sizeof(file), "%s/cgroup.procs", path);
	snprintf(text, sizeof(text), "%d", getpid());
	write_text(file, text);
}

static long cgroup_figure(const char *file)
{
	char text[32] = "";
	int fd = open(file, O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		die(file);
	close(fd);
	return atol(text);
}

static int fill_and_fork(void)
{
	struct mvas_fork fork = { .size = sizeof(fork), .mode = 0600, .name = "swapped" };

	enter_cgroup("/tmp/cgroup/own");
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

static void swapped(void)
{
	struct mvas_find find = { .size = sizeof(find), .name = "swapped" };
	struct mvas_attr attr;
	int fd;

	check_result(in_child(fill_and_fork), 0, "FORK in a cgroup with memory");
	image = call(MVAS_FIND, &find) ? 0 : find.id;
	check(cgroup_figure("/tmp/cgroup/own/memory.current") >= (long)SIZE,
	      "its pages stay charged there");
	if (access("/dev/ram0", F_OK) || system("mkswap /dev/ram0 >/dev/null") ||
	    swapon("/dev/ram0", 0)) {
		check(true, "reclaim # SKIP no swap on this kernel");
		vas_delete(image);
		return;
	}
	fd = open("/tmp/cgroup/own/memory.reclaim", O_WRONLY);
	for (int i = 0; i < 8; i++)
		if (write(fd, "16M", 3) < 0 && errno != EAGAIN)
			die("memory.reclaim");
	close(fd);
	check(!vas_attr(image, &attr) && attr.bytes < SIZE / 2, "it is swapped out (%llu KiB left)",
	      (unsigned long long)attr.bytes / 1024);
	check_result(in_child(exec_image), 0, "EXEC finds all of it");
	check(vas_filled(image, memory, SIZE, 1), "so does READ");
	vas_delete(image);
	check(!swapoff("/dev/ram0"), "the swap can be taken away");
}

static int eat(void)
{
	enter_cgroup("/tmp/cgroup/small");
	for (size_t i = 0; i < 64; i++)
		memset(map_memory(NULL, MIB), 1, MIB);
	return 0;
}

/* The victim's own memory is the VAS's too. */
static void out_of_memory(void)
{
	__u32 id;

	mkdir("/tmp/cgroup/small", 0700);
	write_text("/tmp/cgroup/small/memory.max", "8388608");
	if (!access("/tmp/cgroup/small/memory.swap.max", F_OK))
		write_text("/tmp/cgroup/small/memory.swap.max", "0");
	fill(memory, SIZE, 2);
	vas_fork(MVAS_TARGET_SELF, 0, &id);
	check_result(in_child(eat), 1000 + SIGKILL, "a process is killed for lack of memory");
	check(vas_filled(id, memory, SIZE, 2), "a VAS is not");
	vas_delete(id);
	check(!rmdir("/tmp/cgroup/small"), "its cgroup can be removed");
}

int main(void)
{
	open_device();
	memory = map_memory(NULL, SIZE);
	mkdir("/tmp/cgroup", 0700);
	if (mount("cgroup", "/tmp/cgroup", "cgroup2", 0, NULL))
		die("cgroup2");
	write_text("/tmp/cgroup/cgroup.subtree_control", "+memory");
	mkdir("/tmp/cgroup/own", 0700);
	swapped();
	out_of_memory();
	check(!rmdir("/tmp/cgroup/own"), "so can the cgroup of a VAS");
	umount("/tmp/cgroup");
	return finish();
}
