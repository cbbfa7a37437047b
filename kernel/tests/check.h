/* SPDX-License-Identifier: GPL-2.0-only */
/* The module's calls and some memory to use them on. The programs run as root in a guest (init.sh).
 */
#ifndef MVAS_CHECK_H
#define MVAS_CHECK_H

#include "../include/uapi/mvas.h"
#include "tap.h"

static int device = -1;

static inline void open_device(void)
{
	device = open("/dev/mvas", O_RDWR | O_CLOEXEC);
	if (device < 0)
		die("/dev/mvas");
}

/* 0 or a negative errno. */
static inline int call(unsigned long number, void *arguments)
{
	return ioctl(device, number, arguments) ? -errno : 0;
}

/* Opens /proc/PID/mem, which is how calls are told of a process. */
static inline int open_mem(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

static inline int vas_create(const char *name, unsigned int mode, __u32 *id)
{
	struct mvas_create create = { .size = sizeof(create), .mode = mode };
	int ret;

	strncpy(create.name, name, sizeof(create.name) - 1);
	ret = call(MVAS_CREATE, &create);
	*id = create.id;
	return ret;
}

static inline int vas_delete(__u32 id)
{
	struct mvas_id delete = { .size = sizeof(delete), .id = id };

	return call(MVAS_DELETE, &delete);
}

static inline int vas_fork(int target, __u32 flags, __u32 *id)
{
	struct mvas_fork fork = {
		.size = sizeof(fork), .flags = flags, .target = target, .mode = 0600
	};
	int ret = call(MVAS_FORK, &fork);

	*id = fork.id;
	return ret;
}

static inline int vas_exec(__u32 id, void *ip, void *sp)
{
	struct mvas_exec exec = {
		.size = sizeof(exec), .id = id, .ip = (uintptr_t)ip, .sp = (uintptr_t)sp
	};

	return call(MVAS_EXEC, &exec);
}

static inline int vas_read(__u32 id, const void *address, void *buffer, size_t length, __u64 *done)
{
	struct mvas_read read = {
		.size = sizeof(read),
		.id = id,
		.address = (uintptr_t)address,
		.length = length,
		.buffer = (uintptr_t)buffer,
	};
	int ret = call(MVAS_READ, &read);

	if (done)
		*done = read.done;
	return ret;
}

static inline int vas_attr(__u32 id, struct mvas_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	attr->size = sizeof(*attr);
	attr->id = id;
	return call(MVAS_GETATTR, attr);
}

static inline int segment_create(const char *name, __u64 start, __u64 length, __u32 *id)
{
	struct mvas_seg_create create = {
		.size = sizeof(create), .mode = 0600, .start = start, .length = length
	};
	int ret;

	strncpy(create.name, name, sizeof(create.name) - 1);
	ret = call(MVAS_SEG_CREATE, &create);
	*id = create.id;
	return ret;
}

static inline int segment_delete(__u32 id)
{
	struct mvas_id delete = { .size = sizeof(delete), .id = id };

	return call(MVAS_SEG_DELETE, &delete);
}

/* A descriptor, or a negative errno. */
static inline int segment_open(__u32 id, int access)
{
	struct mvas_seg_fd open = { .size = sizeof(open), .id = id, .access = access };
	int ret = call(MVAS_SEG_FD, &open);

	return ret ? ret : open.fd;
}

static inline void *map_memory(void *at, size_t length)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED_NOREPLACE : 0);
	void *memory = mmap(at, length, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

/* A different word for every eight bytes. */
static inline void fill(void *memory, size_t length, uint64_t seed)
{
	uint64_t *words = memory;

	for (size_t i = 0; i < length / 8; i++)
		words[i] = (i + 1) * 0x9e3779b97f4a7c15ull ^ seed;
}

static inline bool filled(const void *memory, size_t length, uint64_t seed)
{
	const uint64_t *words = memory;

	for (size_t i = 0; i < length / 8; i++)
		if (words[i] != ((i + 1) * 0x9e3779b97f4a7c15ull ^ seed))
			return false;
	return true;
}

/* Whether a VAS has at an address what fill() wrote. */
static inline bool vas_filled(__u32 id, const void *address, size_t length, uint64_t seed)
{
	char *copy = malloc(length);
	__u64 done;
	bool same;

	same = !vas_read(id, address, copy, length, &done) && done == length &&
	       filled(copy, length, seed);
	free(copy);
	return same;
}

static inline bool vas_is_zero(__u32 id, const void *address, size_t length)
{
	char *copy = malloc(length);
	__u64 done;
	bool zero;

	memset(copy, 1, length);
	zero = !vas_read(id, address, copy, length, &done) && done == length && !copy[0] &&
	       !memcmp(copy, copy + 1, length - 1);
	free(copy);
	return zero;
}

static inline void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die(path);
	close(fd);
}

#endif
