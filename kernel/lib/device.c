// SPDX-License-Identifier: Apache-2.0
/* The device, and calls that VASes and segments have in common. */
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int device = -1;

int mvas_fail(int error)
{
	errno = error;
	return -1;
}

/* Two threads that get here first at the same time share one descriptor. */
int mvas_call(unsigned long number, void *arguments)
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

int mvas_copy_name(char *to, const char *name)
{
	if (!name || !*name)
		return mvas_fail(EINVAL);
	if (strlen(name) >= MVAS_NAME_SIZE)
		return mvas_fail(ENAMETOOLONG);
	strcpy(to, name);
	return 0;
}

/* Ids are 32 bits wide here. */
uint32_t mvas_narrow(vasid_t id)
{
	return id > 0 && id <= INT32_MAX ? (uint32_t)id : 0;
}

int mvas_delete_object(unsigned long number, vasid_t id)
{
	struct mvas_id arguments = { .size = sizeof(arguments), .id = mvas_narrow(id) };

	return mvas_call(number, &arguments);
}

vasid_t mvas_find_name(unsigned long number, const char *name)
{
	struct mvas_find arguments = { .size = sizeof(arguments) };

	if (mvas_copy_name(arguments.name, name) || mvas_call(number, &arguments))
		return -1;
	return arguments.id;
}

int mvas_get_attributes(unsigned long number, vasid_t id, struct mvas_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	attr->size = sizeof(*attr);
	attr->id = mvas_narrow(id);
	return mvas_call(number, attr);
}

int mvas_set_attributes(unsigned long number, const struct mvas_attr *now,
			const struct vas_attr *wanted)
{
	struct mvas_attr attr = { .size = sizeof(attr), .id = now->id };

	attr.mode = wanted->mode;
	attr.uid = wanted->user;
	attr.gid = wanted->group;
	attr.valid = (now->mode != wanted->mode ? MVAS_SET_MODE : 0) |
		     (now->uid != wanted->user ? MVAS_SET_UID : 0) |
		     (now->gid != wanted->group ? MVAS_SET_GID : 0);
	return attr.valid ? mvas_call(number, &attr) : 0;
}

int mvas_list_ids(unsigned long number, uint32_t *ids, size_t room)
{
	struct mvas_list arguments = { .size = sizeof(arguments), .ids = (uintptr_t)ids };

	arguments.capacity = room < UINT32_MAX ? (uint32_t)room : UINT32_MAX;
	return mvas_call(number, &arguments) ? -1 : (int)arguments.count;
}
