/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files of /proc and /sys: of the process itself, of a child, of the system, with a position.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

static void child(void *arg)
{
	(void)arg;
	int own = MUST(open("/proc/self/status", O_RDONLY));
	arrived();
	wait_for_go();
	char text[4096] = "", wanted[32];
	CHECK(read(own, text, sizeof(text) - 1) > 0, "read of the own status");
	snprintf(wanted, sizeof(wanted), "\nPid:\t%d\n", getpid());
	CHECK(strstr(text, wanted) != NULL, "the own status");
}

static void check_contains(const char *what, int fd, const char *wanted)
{
	char text[8192] = "";
	CHECK(read(fd, text, sizeof(text) - 1) > 0, what);
	CHECK(strstr(text, wanted) != NULL, what);
}

int main(void)
{
	char path[64], wanted[32], byte;
	pid_t pid = spawn(child, NULL);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	snprintf(wanted, sizeof(wanted), "%d (target)", pid);
	int of_child = MUST(open(path, O_RDONLY)), of_self = MUST(open("/proc/self/maps", O_RDONLY));
	int uptime = MUST(open("/proc/uptime", O_RDONLY)), folder = MUST(open("/proc", O_RDONLY | O_DIRECTORY));
	int sys = MUST(open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY));
	int version = MUST(open("/proc/version", O_RDONLY));
	CHECK_EQ("read", 1, read(version, &byte, 1));

	ready_and_wait();

	check_contains("stat of the child", of_child, wanted);
	check_contains("own maps", of_self, "/target");
	CHECK_EQ("read of uptime", 1, read(uptime, &byte, 1));
	CHECK_EQ("openat below /proc", 1, MUST(openat(folder, "self/comm", O_RDONLY)) > 0);
	check_contains("file of /sys", sys, "madvise");
	CHECK_EQ("position", 1, lseek(version, 0, SEEK_CUR));
	check_contains("version", version, "inux version");
	finish(pid);
	pass();
}
