// SPDX-License-Identifier: GPL-2.0-only
/* FORK, READ and MAPS: what a VAS contains, and what it outlives. */
#include <linux/userfaultfd.h>

#include "cgroup.h"
#include "leak.h"

#define SIZE (4 * MIB)

static char *memory;

/* A child with the pattern `seed` in `memory`, that waits to be killed. */
static pid_t start(uint64_t seed)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready))
		die("pipe");
	pid = fork();
	if (!pid) {
		fill(memory, SIZE, seed);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	if (read(ready[0], &byte, 1) != 1)
		die("child");
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	wait_for(pid);
}

static void targets(void)
{
	static const char *const paths[] = { "/proc/self/maps", "/proc/self/status", "/dev/zero",
					     "/dev/mvas" };
	pid_t pid = start(1);
	int mem = open_mem(pid);
	__u32 id;
	int fd;

	for (unsigned int i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		fd = open(paths[i], O_RDONLY);
		check(vas_fork(fd, 0, &id) == -EBADF, "%s is no target", paths[i]);
		close(fd);
	}
	check_result(vas_fork(-2, 0, &id), -EBADF, "nor is a descriptor that is not open");
	fd = open("/proc/self/mem", O_WRONLY);
	check_result(vas_fork(fd, 0, &id), -EBADF, "nor memory opened for writing alone");
	close(fd);
	fd = open("/proc/self/mem", O_PATH);
	check_result(vas_fork(fd, 0, &id), -EBADF, "nor a mere path");
	close(fd);
	check_result(vas_fork(mem, MVAS_FILES_DROP | MVAS_FILES_WHOLE, &id), -EINVAL,
		     "contrary flags are EINVAL");
	stop(pid);
	check_result(vas_fork(mem, 0, &id), -ESRCH, "a process that is gone is ESRCH");
	close(mem);
}

static void contents(void)
{
	pid_t pid = start(2);
	int mem = open_mem(pid);
	struct mvas_attr attr;
	__u32 id;

	check_result(vas_fork(mem, 0, &id), 0, "FORK of another process");
	check(vas_filled(id, memory, SIZE, 2), "the VAS has its memory");
	stop(pid);
	check(vas_filled(id, memory, SIZE, 2), "also when the process is gone");
	check(!vas_attr(id, &attr) && attr.bytes >= SIZE &&
		      attr.state == (MVAS_STATE_IMAGE | MVAS_STATE_SETTLED),
	      "GETATTR tells its size");
	vas_delete(id);
	close(mem);
	fill(memory, SIZE, 3);
	check_result(vas_fork(MVAS_TARGET_SELF, 0, &id), 0, "FORK of oneself");
	fill(memory, SIZE, 4);
	check(vas_filled(id, memory, SIZE, 3), "later writes do not show");
	vas_delete(id);
}

static void into(void)
{
	struct mvas_fork fork = { .size = sizeof(fork), .target = MVAS_TARGET_SELF };
	__u32 id;

	vas_create("into", 0600, &id);
	fork.id = id;
	fork.name[0] = 'x';
	check_result(call(MVAS_FORK, &fork), -EINVAL, "a VAS that is there keeps its name");
	fork.name[0] = 0;
	check(!call(MVAS_FORK, &fork) && fork.id == id && fork.bytes, "an empty VAS is filled");
	fork = (struct mvas_fork){ .size = sizeof(fork), .target = MVAS_TARGET_SELF, .id = id };
	check_result(call(MVAS_FORK, &fork), -EBUSY, "but once");
	fork.id = id + 1000;
	check_result(call(MVAS_FORK, &fork), -ENOENT, "an unknown one is ENOENT");
	vas_delete(id);
}

static __u32 contested;

static int fill_contested(void)
{
	struct mvas_fork fork = { .size = sizeof(fork), .target = MVAS_TARGET_SELF };

	fork.id = contested;
	return -call(MVAS_FORK, &fork);
}

/* One has much memory, the other little: the memory of the first one is counted. */
static bool race_into(void)
{
	struct mvas_info info = { .size = sizeof(info) };
	struct mvas_attr attr;
	pid_t pid;
	int big, small;

	vas_create("contested", 0600, &contested);
	pid = fork();
	if (!pid) {
		fill(map_memory(NULL, 2 * SIZE), 2 * SIZE, 1);
		_exit(fill_contested());
	}
	do {
		small = in_child(fill_contested);
	} while (small == EBUSY && vas_attr(contested, &attr) == 0 &&
		 !(attr.state & MVAS_STATE_IMAGE));
	big = wait_for(pid);
	if (vas_attr(contested, &attr) || call(MVAS_INFO, &info) || vas_delete(contested))
		return false;
	return (big == 0) != (small == 0) && (!big || big == EBUSY) && (!small || small == EBUSY) &&
	       info.bytes + MIB > attr.bytes;
}

static void into_at_once(void)
{
	bool right = true;

	for (int i = 0; i < 20; i++)
		right = right && race_into();
	check(right, "of two at once one fills it, and is counted");
}

static void odd_memory(void)
{
	char *odd = map_memory(NULL, 5 * PAGE);
	char copy[5 * PAGE];
	__u64 done;
	__u32 id;

	memset(odd, 7, 5 * PAGE);
	madvise(odd + PAGE, PAGE, MADV_DONTFORK);
	madvise(odd + 2 * PAGE, PAGE, MADV_WIPEONFORK);
	mprotect(odd + 3 * PAGE, PAGE, PROT_NONE);
	vas_fork(MVAS_TARGET_SELF, 0, &id);
	check(!vas_read(id, odd, copy, 5 * PAGE, &done) && done == PAGE && copy[PAGE - 1] == 7,
	      "READ stops before what is not there: MADV_DONTFORK");
	check_result(vas_read(id, odd + PAGE, copy, 1, NULL), -EFAULT,
		     "and begins not at all there");
	check(vas_is_zero(id, odd + 2 * PAGE, PAGE), "MADV_WIPEONFORK is zeros");
	check(!vas_read(id, odd + 3 * PAGE - 1, copy, PAGE + 2, &done) && done == PAGE + 2 &&
		      !copy[0] && copy[1] == 7 && copy[PAGE + 1] == 7,
	      "READ at odd places, also of what is PROT_NONE");
	check_result(vas_read(id, odd, (char *)1, PAGE, NULL), -EFAULT,
		     "READ to nowhere is EFAULT");
	check_result(vas_read(id, odd, copy, ~0ul, NULL), -EINVAL, "READ around the end is EINVAL");
	check_result(vas_read(id, (void *)-8192l, copy, 16, NULL), -EFAULT,
		     "READ of the kernel is EFAULT");
	check(!vas_read(id, odd, copy, 0, &done) && !done, "READ of nothing is nothing");
	vas_delete(id);
	munmap(odd, 5 * PAGE);
}

static void mappings(void)
{
	struct mvas_mapping list[64];
	struct mvas_maps maps = { .size = sizeof(maps) };
	bool found = false, sorted = true, special = false;
	__u32 id;

	vas_fork(MVAS_TARGET_SELF, 0, &id);
	maps.id = id;
	check(!call(MVAS_MAPS, &maps) && maps.count > 3, "MAPS counts without room");
	maps = (struct mvas_maps){
		.size = sizeof(maps), .id = id, .capacity = 64, .mappings = (uintptr_t)list
	};
	check(!call(MVAS_MAPS, &maps) && maps.count <= 64, "MAPS lists");
	for (__u32 i = 0; i < maps.count; i++) {
		sorted = sorted && list[i].start < list[i].end &&
			 (!i || list[i - 1].end <= list[i].start) &&
			 !(list[i].flags & MVAS_MAP_FILE);
		special = special || (list[i].flags & MVAS_MAP_SPECIAL);
		if (list[i].start <= (uintptr_t)memory && list[i].end >= (uintptr_t)memory + SIZE)
			found = (list[i].flags & (MVAS_MAP_READ | MVAS_MAP_WRITE)) ==
				(MVAS_MAP_READ | MVAS_MAP_WRITE);
	}
	check(found && sorted && special, "in order, memory and vdso, no file among them");
	maps = (struct mvas_maps){ .size = sizeof(maps), .id = id, .capacity = 4, .mappings = 1 };
	check_result(call(MVAS_MAPS, &maps), -EFAULT, "MAPS to nowhere is EFAULT");
	vas_delete(id);
}

static void userfault(void)
{
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_EVENT_FORK };
	char *watched = map_memory(NULL, PAGE);
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	__u32 id;

	range.range.start = (uintptr_t)watched;
	range.range.len = PAGE;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range)) {
		check(true, "FORK under a userfaultfd # SKIP this kernel has none");
		return;
	}
	check_result(vas_fork(MVAS_TARGET_SELF, 0, &id), -EBUSY, "a userfaultfd is EBUSY");
	close(fd);
	munmap(watched, PAGE);
}

/* Process 1 of a pid namespace. */
static int in_pid_namespace(void)
{
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		return 1;
	pid = start(5);
	if (kill(pid, 0))
		return 2;
	int mem = open_mem(pid);
	struct mvas_fork fork = { .size = sizeof(fork), .mode = 0600, .name = "namespace" };

	fork.target = mem;
	if (call(MVAS_FORK, &fork))
		return 3;
	stop(pid);
	return 0;
}

static void namespaces(void)
{
	struct mvas_find find = { .size = sizeof(find), .name = "namespace" };

	check_result(in_child(in_pid_namespace), 0, "FORK of process 1 of a pid namespace");
	check(!call(MVAS_FIND, &find) && vas_filled(find.id, memory, SIZE, 5),
	      "the VAS outlives the namespace");
	vas_delete(find.id);
}

static void cgroups(void)
{
	char text[16];
	pid_t pid;
	__u32 id;
	int mem;

	cgroup_mount();
	cgroup_make("own", NULL);
	pid = start(6);
	snprintf(text, sizeof(text), "%d", pid);
	write_text(cgroup_file("own", "cgroup.procs"), text);
	mem = open_mem(pid);
	check_result(vas_fork(mem, 0, &id), 0, "FORK of a process in a cgroup");
	stop(pid);
	close(mem);
	check(cgroup_remove("own"), "the cgroup can be removed");
	check(vas_filled(id, memory, SIZE, 6), "the VAS outlives it");
	vas_delete(id);
	umount("/tmp/cgroup");
}

static bool all_right = true;

/* Of memory that is freed at once, so that it shows if anything still holds it. */
static void fork_and_delete(void)
{
	char *fresh = map_memory(NULL, SIZE);
	__u32 id;

	fill(fresh, SIZE, 7);
	all_right = all_right && !vas_fork(MVAS_TARGET_SELF, MVAS_FILES_WHOLE, &id) &&
		    vas_filled(id, fresh, SIZE, 7) && !vas_delete(id);
	munmap(fresh, SIZE);
}

static void leaks(void)
{
	check_no_leak(fork_and_delete, "sixty forks");
	check(all_right, "all of them right");
}

int main(void)
{
	open_device();
	memory = map_memory(NULL, SIZE);
	targets();
	contents();
	into();
	into_at_once();
	odd_memory();
	mappings();
	userfault();
	namespaces();
	cgroups();
	leaks();
	return finish();
}
