/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `delete` after an orderly end: the same questions as in src/shim/delete.ts, in the same order,
 * and its answer if there is nothing to do. test/unit/shim/launcher compares the two.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "launcher.h"

#define DEFAULT_RUNC_ROOT "/run/containerd/runc"
#define KILLED (128 + 9)

static struct content content;

/* Joins two parts of a path; -1 if the result is too long. */
static int join(char *path, const char *directory, const char *name)
{
	return snprintf(path, MAX_PATH, "%s/%s", directory, name) < MAX_PATH ? 0 : -1;
}

static int is_absent(const char *path)
{
	struct stat stat;

	return lstat(path, &stat) < 0 && errno == ENOENT;
}

/*
 * runc's root for a container, from what the daemon has left in options.json: JSON.stringify of an
 * object that begins with the binary and the root. Without a backslash in it, each quote begins or
 * ends a string.
 */
static int runc_root(const char *bundle, const char *namespace, char *root)
{
	static const char first[] = "{\"binary\":\"", key[] = "\",\"root\":\"";
	char path[MAX_PATH], *value, *end;

	if (join(path, bundle, "options.json") < 0)
		return -1;
	if (read_file(path, &content) < 0)
		return errno == ENOENT ? join(root, DEFAULT_RUNC_ROOT, namespace) : -1;
	if (strncmp(content.text, first, strlen(first)) != 0 || strchr(content.text, '\\') ||
	    content.text[content.length - 1] != '}')
		return -1;
	value = strchr(content.text + strlen(first), '"');
	if (!value || strncmp(value, key, strlen(key)) != 0)
		return -1;
	value += strlen(key);
	end = strchr(value, '"');
	if (!end || strstr(end, "\"root\"") || strstr(end, "\"binary\"") || end - value >= MAX_PATH)
		return -1;
	*end = '\0';
	strcpy(root, value);
	return is_plain(root) ? 0 : -1;
}

/* Whether runc knows nothing of the container. */
static int no_container(const char *bundle, const struct args *args)
{
	char root[MAX_PATH], path[MAX_PATH];

	return runc_root(bundle, args->namespace, root) == 0 && join(path, root, args->id) == 0 &&
	       is_absent(path);
}

/* Whether nothing is mounted at a path or below: no line of mountinfo has a field that begins so.
 */
static int not_mounted(const char *path)
{
	char pattern[MAX_PATH + 1];
	char *line = NULL;
	size_t size = 0;
	int found = 0;
	FILE *file = fopen("/proc/self/mountinfo", "re");

	if (!file)
		return 0;
	snprintf(pattern, sizeof(pattern), " %s", path);
	while (!found && getline(&line, &size, file) > 0)
		found = strstr(line, pattern) != NULL;
	fclose(file);
	return !found;
}

/* Whether the socket that a bundle names is gone, or belongs to a living daemon. */
static int socket_settled(const char *bundle)
{
	char path[MAX_PATH], *name = content.text;

	if (join(path, bundle, "address") < 0)
		return 0;
	if (read_file(path, &content) < 0)
		return errno == ENOENT;
	if (strncmp(name, SCHEME, strlen(SCHEME)) == 0)
		name += strlen(SCHEME);
	return is_plain(name) && (is_absent(name) || has_daemon(name));
}

/* The pid in init.pid, 0 if there is none; -1 if it is not a plain number. */
static int64_t init_pid(const char *bundle)
{
	char path[MAX_PATH];
	int64_t pid = 0;

	if (join(path, bundle, "init.pid") < 0)
		return -1;
	if (read_file(path, &content) < 0)
		return errno == ENOENT ? 0 : -1;
	if (content.length == 0 || content.length > 9)
		return -1;
	for (size_t i = 0; i < content.length; i++) {
		if (content.text[i] < '0' || content.text[i] > '9')
			return -1;
		pid = pid * 10 + (content.text[i] - '0');
	}
	return pid;
}

/* Appends a varint field of a protobuf message, unless it is 0. */
static uint8_t *put(uint8_t *at, int field, uint64_t value)
{
	if (value == 0)
		return at;
	*at++ = (uint8_t)(field << 3);
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

/* Writes containerd.task.v2.DeleteResponse: pid, status of a killed process, and now. */
static int respond(int64_t pid)
{
	enum { PID = 1, EXIT_STATUS, EXITED_AT, SECONDS = 1, NANOS = 2, BYTES = 2 };
	const long ms = 1000000;
	uint8_t stamp[24], message[64], *at, *end;
	struct timespec now;
	size_t length;

	clock_gettime(CLOCK_REALTIME, &now);
	end = put(stamp, SECONDS, (uint64_t)now.tv_sec);
	end = put(end, NANOS, (uint64_t)(now.tv_nsec / ms * ms));
	at = put(message, PID, (uint64_t)pid);
	at = put(at, EXIT_STATUS, KILLED);
	*at++ = EXITED_AT << 3 | BYTES;
	*at++ = (uint8_t)(end - stamp);
	memcpy(at, stamp, (size_t)(end - stamp));
	length = (size_t)(at + (end - stamp) - message);
	return write(STDOUT_FILENO, message, length) == (ssize_t)length ? 0 : -1;
}

int answer_delete(const struct args *args)
{
	char bundle[MAX_PATH], rootfs[MAX_PATH];
	int64_t pid;

	if (args->bundle[0] == '\0') {
		if (!getcwd(bundle, sizeof(bundle)))
			return -1;
	} else if (strlen(args->bundle) < sizeof(bundle)) {
		strcpy(bundle, args->bundle);
	} else {
		return -1;
	}
	if (!is_plain(bundle) || join(rootfs, bundle, "rootfs") < 0)
		return -1;
	if (!no_container(bundle, args) || !not_mounted(rootfs) || !socket_settled(bundle))
		return -1;
	pid = init_pid(bundle);
	return pid < 0 ? -1 : respond(pid);
}
