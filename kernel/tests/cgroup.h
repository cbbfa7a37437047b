/* SPDX-License-Identifier: GPL-2.0-only */
/* Cgroups with the memory controller, below /tmp/cgroup. */
#ifndef MVAS_CGROUP_H
#define MVAS_CGROUP_H

#include "check.h"

static inline const char *cgroup_file(const char *name, const char *file)
{
	static char path[128];

	snprintf(path, sizeof(path), "/tmp/cgroup/%s/%s", name, file);
	return path;
}

static inline void cgroup_mount(void)
{
	mkdir("/tmp/cgroup", 0700);
	if (mount("cgroup", "/tmp/cgroup", "cgroup2", 0, NULL))
		die("cgroup2");
	write_text("/tmp/cgroup/cgroup.subtree_control", "+memory");
}

/* With a limit in bytes, if it is not NULL; swap does not help then. */
static inline void cgroup_make(const char *name, const char *limit)
{
	mkdir(cgroup_file(name, ""), 0700);
	if (!limit)
		return;
	write_text(cgroup_file(name, "memory.max"), limit);
	if (!access(cgroup_file(name, "memory.swap.max"), F_OK))
		write_text(cgroup_file(name, "memory.swap.max"), "0");
}

static inline void cgroup_enter(const char *name)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", getpid());
	write_text(cgroup_file(name, "cgroup.procs"), text);
}

static inline long cgroup_figure(const char *name, const char *file)
{
	char text[32] = "";
	int fd = open(cgroup_file(name, file), O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		die(cgroup_file(name, file));
	close(fd);
	return atol(text);
}

/* Its last process may leave it a moment after its parent has been told of its end. */
static inline bool cgroup_remove(const char *name)
{
	int ret = rmdir(cgroup_file(name, ""));

	for (int i = 0; i < 500 && ret && errno == EBUSY; i++) {
		usleep(10000);
		ret = rmdir(cgroup_file(name, ""));
	}
	return !ret;
}

/* More than a cgroup with a limit allows. */
static inline int eat(void)
{
	for (size_t i = 0; i < 64; i++)
		memset(map_memory(NULL, MIB), 1, MIB);
	return 0;
}

#endif
