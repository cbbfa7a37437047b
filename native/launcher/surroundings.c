/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a daemon inherits from containerd: if all of it is the same, and so is the shim, it does not
 * matter which process a daemon was forked from. FNV-1a, 64 bits: only accidental collisions
 * matter, since whoever can choose the surroundings of a shim can run any program in them.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher.h"

static struct content content;

static void add(uint64_t *hash, const void *bytes, size_t length)
{
	const unsigned char *byte = bytes;

	while (length-- > 0) {
		*hash ^= *byte++;
		*hash *= 0x100000001b3ul;
	}
}

static void add_text(uint64_t *hash, const char *text)
{
	add(hash, text, strlen(text) + 1);
}

/* Which file it is, and which version of it. */
static void add_file(uint64_t *hash, const char *path)
{
	struct stat now;
	uint64_t version[5] = { 0 };

	if (stat(path, &now) == 0) {
		version[0] = now.st_dev;
		version[1] = now.st_ino;
	}
	if (version[1] != 0 && S_ISREG(now.st_mode)) {
		version[2] = (uint64_t)now.st_size;
		version[3] = (uint64_t)now.st_mtim.tv_sec;
		version[4] = (uint64_t)now.st_mtim.tv_nsec;
	}
	add(hash, version, sizeof(version));
}

static void add_namespaces(uint64_t *hash)
{
	static const char *const links[] = {
		"/proc/self/ns/mnt",  "/proc/self/ns/pid",    "/proc/self/ns/net",
		"/proc/self/ns/ipc",  "/proc/self/ns/uts",    "/proc/self/ns/user",
		"/proc/self/ns/time", "/proc/self/ns/cgroup",
	};
	char target[MAX_PATH];

	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
		ssize_t length = readlink(links[i], target, sizeof(target));

		add(hash, target, length < 0 ? 0 : (size_t)length);
	}
}

/* Identity, capabilities, masks: the lines of /proc/self/status that are not counters. */
static void add_status(uint64_t *hash)
{
	static const char *const names[] = { "Umask",   "Uid",          "Gid",         "Groups",
					     "SigBlk",  "SigIgn",       "Cap",         "NoNewPrivs",
					     "Seccomp", "Cpus_allowed", "Mems_allowed" };
	char *line, *rest = content.text;

	if (read_file("/proc/self/status", &content) < 0)
		return;
	while ((line = strsep(&rest, "\n")))
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
			if (strncmp(line, names[i], strlen(names[i])) == 0)
				add_text(hash, line);
}

uint64_t surroundings(const struct install *install)
{
	static const char *const files[] = { "/proc/self/cgroup", "/proc/self/limits",
					     "/proc/self/oom_score_adj",
					     "/proc/self/attr/current" };
	uint64_t hash = 0xcbf29ce484222325ul;
	int priority = getpriority(PRIO_PROCESS, 0);

	for (char **variable = environ; *variable; variable++)
		add_text(&hash, *variable);
	add_namespaces(&hash);
	add_status(&hash);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (read_file(files[i], &content) == 0)
			add_text(&hash, content.text);
	add(&hash, &priority, sizeof(priority));
	add_file(&hash, "/");
	add_file(&hash, "/proc/self/exe");
	add_file(&hash, install->node);
	add_file(&hash, install->entry);
	add_file(&hash, install->addon);
	return hash;
}
