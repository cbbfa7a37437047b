/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors on the container's own namespaces: they lead to those that the restored processes are in.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/stat.h>

static const char *const names[] = {"net", "mnt", "uts", "ipc", "pid", "user", "cgroup"};

#define COUNT (sizeof(names) / sizeof(names[0]))

static const char *path_of(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	return path;
}

int main(void)
{
	int fds[COUNT];

	for (size_t i = 0; i < COUNT; i++)
		fds[i] = MUST(open(path_of(names[i]), O_RDONLY | (i % 2 ? O_CLOEXEC : 0)));

	ready_and_wait();

	for (size_t i = 0; i < COUNT; i++) {
		struct stat mine, now;

		MUST(fstat(fds[i], &mine));
		MUST(stat(path_of(names[i]), &now));
		CHECK_EQ(names[i], now.st_ino, mine.st_ino);
		CHECK_EQ("device", now.st_dev, mine.st_dev);
		CHECK_EQ("close on exec", i % 2 ? FD_CLOEXEC : 0, fcntl(fds[i], F_GETFD));
	}
	pass();
}
