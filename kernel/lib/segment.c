// SPDX-License-Identifier: Apache-2.0
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

segid_t segment_create_sz(const char *name, unsigned long start, unsigned long size, mode_t mode)
{
	struct mvas_seg_create arguments = {
		.size = sizeof(arguments), .mode = mode, .start = start, .length = size
	};

	if (mvas_copy_name(arguments.name, name) || mvas_call(MVAS_SEG_CREATE, &arguments))
		return -1;
	return (segid_t)arguments.id;
}

segid_t segment_create(const char *name, unsigned long start, unsigned long end, mode_t mode)
{
	return end <= start ? mvas_fail(EINVAL) : segment_create_sz(name, start, end - start, mode);
}

int segment_delete(segid_t sid)
{
	return mvas_delete_object(MVAS_SEG_DELETE, sid);
}

segid_t segment_find(const char *name)
{
	return (segid_t)mvas_find_name(MVAS_SEG_FIND, name);
}

int segment_getattr(segid_t sid, struct segment_attr *attr)
{
	struct mvas_attr now;

	if (mvas_get_attributes(MVAS_SEG_GETATTR, sid, &now))
		return -1;
	*attr = (struct segment_attr){ .mode = now.mode, .user = now.uid, .group = now.gid };
	return 0;
}

int segment_setattr(segid_t sid, const struct segment_attr *attr)
{
	struct vas_attr wanted = { .mode = attr->mode, .user = attr->user, .group = attr->group };
	struct mvas_attr now;

	return mvas_get_attributes(MVAS_SEG_GETATTR, sid, &now) ?
		       -1 :
		       mvas_set_attributes(MVAS_SEG_SETATTR, &now, &wanted);
}

static int map_here(segid_t sid, int type)
{
	struct mvas_seg_fd open = { .size = sizeof(open), .id = mvas_narrow(sid) };
	int prot = type == O_RDWR ? PROT_READ | PROT_WRITE : PROT_READ;
	struct mvas_attr attr;
	void *at;
	int error;

	if (mvas_get_attributes(MVAS_SEG_GETATTR, sid, &attr))
		return -1;
	if (!attr.start)
		return mvas_fail(ENOTSUP);
	open.access = (uint32_t)type;
	if (mvas_call(MVAS_SEG_FD, &open))
		return -1;
	at = mmap((void *)(uintptr_t)attr.start, attr.bytes, prot, MAP_SHARED | MAP_FIXED_NOREPLACE,
		  open.fd, 0);
	error = errno;
	close(open.fd);
	return at == MAP_FAILED ? mvas_fail(error) : 0;
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

	if (mvas_get_attributes(MVAS_SEG_GETATTR, sid, &attr))
		return -1;
	if (!attr.start || !is_mapped(&attr))
		return mvas_fail(ENOENT);
	return munmap((void *)(uintptr_t)attr.start, attr.bytes);
}

int segment_attach(vasid_t vid, segid_t sid, int type)
{
	struct mvas_seg_attach arguments = { .size = sizeof(arguments),
					     .vas_id = mvas_narrow(vid) };

	if (!vid)
		return map_here(sid, type);
	arguments.seg_id = mvas_narrow(sid);
	arguments.access = (uint32_t)type;
	return mvas_call(MVAS_SEG_ATTACH, &arguments);
}

int segment_detach(vasid_t vid, segid_t sid)
{
	struct mvas_seg_attach arguments = { .size = sizeof(arguments),
					     .vas_id = mvas_narrow(vid) };

	if (!vid)
		return unmap_here(sid);
	arguments.seg_id = mvas_narrow(sid);
	return mvas_call(MVAS_SEG_DETACH, &arguments);
}

int segment_list(segid_t *ids, size_t room)
{
	return mvas_list_ids(MVAS_SEG_LIST, (uint32_t *)ids, room);
}
