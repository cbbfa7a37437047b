/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a daemon inherits from containerd, and a command from a shell: where all of it is the same,
 * and the build is, it does not matter which process it was forked from. FNV-1a, 64 bits: only
 * accidents matter, since whoever may choose the surroundings of a shim may run any program in
 * them.
 */
#include <stdio.h>
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

static const char *const namespaces[] = { "mnt", "pid",  "net",  "ipc",
					  "uts", "user", "time", "cgroup" };

/* The name of a namespace of a process, with its number; "" when it cannot be read. */
static void read_namespace(char target[64], const char *process, const char *kind)
{
	char path[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%s/ns/%s", process, kind);
	length = readlink(path, target, 63);
	target[length < 0 ? 0 : length] = '\0';
}

static void add_namespaces(uint64_t *hash)
{
	char target[64];

	for (size_t i = 0; i < sizeof(namespaces) / sizeof(*namespaces); i++) {
		read_namespace(target, "self", namespaces[i]);
		add_text(hash, target);
	}
}

/* Where those of process 1 are kept from us, by their numbers: the kernel's own have fixed ones. */
bool is_in_first_namespaces(void)
{
	const unsigned long first_dynamic = 0xf0000000ul;
	char own[64], first[64];

	for (size_t i = 0; i < sizeof(namespaces) / sizeof(*namespaces); i++) {
		read_namespace(own, "self", namespaces[i]);
		read_namespace(first, "1", namespaces[i]);
		if (first[0] == '\0') {
			const char *number = strchr(own, '[');

			if (number && strtoul(number + 1, NULL, 10) >= first_dynamic)
				return false;
		} else if (strcmp(own, first) != 0) {
			return false;
		}
	}
	return true;
}

/* Identity, capabilities, masks: lines of /proc/self/status that do not count something. */
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

uint64_t surroundings(const struct install *install, char **environment)
{
	static const char *const files[] = { "/proc/self/cgroup",        "/proc/self/limits",
					     "/proc/self/oom_score_adj", "/proc/self/attr/current",
					     "/proc/self/loginuid",      "/proc/self/sessionid" };
	uint64_t hash = 0xcbf29ce484222325ul;
	int priority = getpriority(PRIO_PROCESS, 0);

	for (char **variable = environment; *variable; variable++)
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
