// SPDX-License-Identifier: Apache-2.0
#include "mvas.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../include/uapi/mvas.h"

static int device = -1;

static int fail(int error)
{
	errno = error;
	return -1;
}

/* Two threads that come first at the same time keep one descriptor between them. */
static int call(unsigned long number, void *arguments)
{
	int fd = __atomic_load_n(&device, __ATOMIC_ACQUIRE);

	if (fd < 0) {
		int none = -1;

		fd = open("/dev/mvas", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -1;
		if (!__atomic_compare_exchange_n(&device, &none, fd, 0, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE)) {
			close(fd);
			fd = none;
		}
	}
	return ioctl(fd, number, arguments);
}

void mvas_close(void)
{
	int fd = __atomic_exchange_n(&device, -1, __ATOMIC_ACQ_REL);

	if (fd >= 0)
		close(fd);
}

static int copy_name(char *to, const char *name)
{
	if (!name || !*name)
		return fail(EINVAL);
	if (strlen(name) >= MVAS_NAME_SIZE)
		return fail(ENAMETOOLONG);
	strcpy(to, name);
	return 0;
}

/* Ids are 32 bits wide here. */
static uint32_t narrow(vasid_t id)
{
	return id > 0 && id <= INT32_MAX ? (uint32_t)id : 0;
}

static int delete (unsigned long number, vasid_t id)
{
	struct mvas_id arguments = { .size = sizeof(arguments), .id = narrow(id) };

	return call(number, &arguments);
}

static vasid_t find(unsigned long number, const char *name)
{
	struct mvas_find arguments = { .size = sizeof(arguments) };

	if (copy_name(arguments.name, name) || call(number, &arguments))
		return -1;
	return arguments.id;
}

static int getattr(unsigned long number, vasid_t id, struct mvas_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	attr->size = sizeof(*attr);
	attr->id = narrow(id);
	return call(number, attr);
}

/* What is as it was is not set, so that an owner can change the mode alone. */
static int setattr(unsigned long number, const struct mvas_attr *now, const struct vas_attr *wanted)
{
	struct mvas_attr attr = { .size = sizeof(attr), .id = now->id };

	attr.mode = wanted->mode;
	attr.uid = wanted->user;
	attr.gid = wanted->group;
	attr.valid = (now->mode != wanted->mode ? MVAS_SET_MODE : 0) |
		     (now->uid != wanted->user ? MVAS_SET_UID : 0) |
		     (now->gid != wanted->group ? MVAS_SET_GID : 0);
	return attr.valid ? call(number, &attr) : 0;
}

vasid_t vas_create(const char *name, mode_t mode)
{
	struct mvas_create arguments = { .size = sizeof(arguments), .mode = mode };

	if (copy_name(arguments.name, name) || call(MVAS_CREATE, &arguments))
		return -1;
	return arguments.id;
}

int vas_delete(vasid_t vid)
{
	return delete (MVAS_DELETE, vid);
}

vasid_t vas_find(const char *name)
{
	return find(MVAS_FIND, name);
}

int vas_getattr(vasid_t vid, struct vas_attr *attr)
{
	struct mvas_attr now;

	if (getattr(MVAS_GETATTR, vid, &now))
		return -1;
	*attr = (struct vas_attr){ .mode = now.mode, .user = now.uid, .group = now.gid };
	return 0;
}

int vas_setattr(vasid_t vid, const struct vas_attr *attr)
{
	struct mvas_attr now;

	return getattr(MVAS_GETATTR, vid, &now) ? -1 : setattr(MVAS_SETATTR, &now, attr);
}

int vas_attach(pid_t pid, vasid_t vid, int type)
{
	struct mvas_attach arguments = { .size = sizeof(arguments), .id = narrow(vid) };

	arguments.access = (uint32_t)type;
	return pid && pid != getpid() ? fail(ENOTSUP) : call(MVAS_ATTACH, &arguments);
}

int vas_detach(pid_t pid, vasid_t vid)
{
	struct mvas_attach arguments = { .size = sizeof(arguments), .id = narrow(vid) };

	return pid && pid != getpid() ? fail(ENOTSUP) : call(MVAS_DETACH, &arguments);
}

int vas_switch(vasid_t vid)
{
	struct mvas_exec arguments = { .size = sizeof(arguments), .id = narrow(vid) };

	if (vid && !arguments.id)
		return fail(ENOENT);
	return call(MVAS_SWITCH, &arguments);
}

vasid_t active_vas(void)
{
	struct mvas_id arguments = { .size = sizeof(arguments) };

	return call(MVAS_ACTIVE, &arguments) ? -1 : (vasid_t)arguments.id;
}

segid_t segment_create_sz(const char *name, unsigned long start, unsigned long size, mode_t mode)
{
	struct mvas_seg_create arguments = {
		.size = sizeof(arguments), .mode = mode, .start = start, .length = size
	};

	if (copy_name(arguments.name, name) || call(MVAS_SEG_CREATE, &arguments))
		return -1;
	return (segid_t)arguments.id;
}

segid_t segment_create(const char *name, unsigned long start, unsigned long end, mode_t mode)
{
	return end <= start ? fail(EINVAL) : segment_create_sz(name, start, end - start, mode);
}

int segment_delete(segid_t sid)
{
	return delete (MVAS_SEG_DELETE, sid);
}

segid_t segment_find(const char *name)
{
	return (segid_t)find(MVAS_SEG_FIND, name);
}

int segment_getattr(segid_t sid, struct segment_attr *attr)
{
	struct mvas_attr now;

	if (getattr(MVAS_SEG_GETATTR, sid, &now))
		return -1;
	*attr = (struct segment_attr){ .mode = now.mode, .user = now.uid, .group = now.gid };
	return 0;
}

int segment_setattr(segid_t sid, const struct segment_attr *attr)
{
	struct vas_attr wanted = { .mode = attr->mode, .user = attr->user, .group = attr->group };
	struct mvas_attr now;

	return getattr(MVAS_SEG_GETATTR, sid, &now) ? -1 : setattr(MVAS_SEG_SETATTR, &now, &wanted);
}

static int map_here(segid_t sid, int type)
{
	struct mvas_seg_fd open = { .size = sizeof(open), .id = narrow(sid) };
	int prot = type == O_RDWR ? PROT_READ | PROT_WRITE : PROT_READ;
	struct mvas_attr attr;
	void *at;
	int error;

	if (getattr(MVAS_SEG_GETATTR, sid, &attr))
		return -1;
	if (!attr.start)
		return fail(ENOTSUP);
	open.access = (uint32_t)type;
	if (call(MVAS_SEG_FD, &open))
		return -1;
	at = mmap((void *)(uintptr_t)attr.start, attr.bytes, prot, MAP_SHARED | MAP_FIXED_NOREPLACE,
		  open.fd, 0);
	error = errno;
	close(open.fd);
	return at == MAP_FAILED ? fail(error) : 0;
}

/* Whether this process has the segment where it belongs; its mapping is named after its file. */
static int is_mapped(const struct mvas_attr *attr)
{
	unsigned long start = 0;
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	int found = 0;

	while (maps && !found && fgets(line, sizeof(line), maps))
		found = sscanf(line, "%lx-", &start) == 1 && start == attr->start &&
			strstr(line, "mvas-segment");
	if (maps)
		fclose(maps);
	return found;
}

static int unmap_here(segid_t sid)
{
	struct mvas_attr attr;

	if (getattr(MVAS_SEG_GETATTR, sid, &attr))
		return -1;
	if (!attr.start || !is_mapped(&attr))
		return fail(ENOENT);
	return munmap((void *)(uintptr_t)attr.start, attr.bytes);
}

int segment_attach(vasid_t vid, segid_t sid, int type)
{
	struct mvas_seg_attach arguments = { .size = sizeof(arguments), .vas_id = narrow(vid) };

	if (!vid)
		return map_here(sid, type);
	arguments.seg_id = narrow(sid);
	arguments.access = (uint32_t)type;
	return call(MVAS_SEG_ATTACH, &arguments);
}

int segment_detach(vasid_t vid, segid_t sid)
{
	struct mvas_seg_attach arguments = { .size = sizeof(arguments), .vas_id = narrow(vid) };

	if (!vid)
		return unmap_here(sid);
	arguments.seg_id = narrow(sid);
	return call(MVAS_SEG_DETACH, &arguments);
}

vasid_t vas_fork(pid_t pid)
{
	struct mvas_fork arguments = {
		.size = sizeof(arguments),
		.flags = MVAS_FILES_WHOLE,
		.target = MVAS_TARGET_SELF,
		.mode = 0600,
	};
	char path[64];
	int ret, error;

	if (pid) {
		snprintf(path, sizeof(path), "/proc/%d/mem", pid);
		arguments.target = open(path, O_RDONLY | O_CLOEXEC);
		if (arguments.target < 0)
			return fail(errno == ENOENT ? ESRCH : errno);
	}
	ret = call(MVAS_FORK, &arguments);
	error = errno;
	if (pid)
		close(arguments.target);
	return ret ? fail(error) : (vasid_t)arguments.id;
}

int vas_exec(pid_t pid, vasid_t vid, unsigned long ip, unsigned long sp)
{
	struct mvas_exec arguments = {
		.size = sizeof(arguments), .id = narrow(vid), .ip = ip, .sp = sp
	};

	return pid && pid != getpid() ? fail(ENOTSUP) : call(MVAS_EXEC, &arguments);
}

ssize_t vas_read(vasid_t vid, const void *address, void *buffer, size_t length)
{
	struct mvas_read arguments = {
		.size = sizeof(arguments),
		.id = narrow(vid),
		.address = (uintptr_t)address,
		.length = length,
		.buffer = (uintptr_t)buffer,
	};

	return call(MVAS_READ, &arguments) ? -1 : (ssize_t)arguments.done;
}

static int list(unsigned long number, uint32_t *ids, size_t room)
{
	struct mvas_list arguments = { .size = sizeof(arguments), .ids = (uintptr_t)ids };

	arguments.capacity = room < UINT32_MAX ? (uint32_t)room : UINT32_MAX;
	return call(number, &arguments) ? -1 : (int)arguments.count;
}

int vas_list(vasid_t *ids, size_t room)
{
	uint32_t *narrow_ids = room ? calloc(room, sizeof(*narrow_ids)) : NULL;
	int count;

	if (room && !narrow_ids)
		return -1;
	count = list(MVAS_LIST, narrow_ids, room);
	for (int i = 0; i < count && (size_t)i < room; i++)
		ids[i] = narrow_ids[i];
	free(narrow_ids);
	return count;
}

int segment_list(segid_t *ids, size_t room)
{
	return list(MVAS_SEG_LIST, (uint32_t *)ids, room);
}
