// SPDX-License-Identifier: Apache-2.0
#include "device.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

vasid_t vas_create(const char *name, mode_t mode)
{
	struct mvas_create arguments = { .size = sizeof(arguments), .mode = mode };

	if (mvas_copy_name(arguments.name, name) || mvas_call(MVAS_CREATE, &arguments))
		return -1;
	return arguments.id;
}

int vas_delete(vasid_t vid)
{
	return mvas_delete_object(MVAS_DELETE, vid);
}

vasid_t vas_find(const char *name)
{
	return mvas_find_name(MVAS_FIND, name);
}

int vas_getattr(vasid_t vid, struct vas_attr *attr)
{
	struct mvas_attr now;

	if (mvas_get_attributes(MVAS_GETATTR, vid, &now))
		return -1;
	*attr = (struct vas_attr){ .mode = now.mode, .user = now.uid, .group = now.gid };
	return 0;
}

int vas_setattr(vasid_t vid, const struct vas_attr *attr)
{
	struct mvas_attr now;

	return mvas_get_attributes(MVAS_GETATTR, vid, &now) ?
		       -1 :
		       mvas_set_attributes(MVAS_SETATTR, &now, attr);
}

int vas_attach(pid_t pid, vasid_t vid, int type)
{
	struct mvas_attach arguments = { .size = sizeof(arguments), .id = mvas_narrow(vid) };

	arguments.access = (uint32_t)type;
	return pid && pid != getpid() ? mvas_fail(ENOTSUP) : mvas_call(MVAS_ATTACH, &arguments);
}

int vas_detach(pid_t pid, vasid_t vid)
{
	struct mvas_attach arguments = { .size = sizeof(arguments), .id = mvas_narrow(vid) };

	return pid && pid != getpid() ? mvas_fail(ENOTSUP) : mvas_call(MVAS_DETACH, &arguments);
}

int vas_switch(vasid_t vid)
{
	struct mvas_exec arguments = { .size = sizeof(arguments), .id = mvas_narrow(vid) };

	if (vid && !arguments.id)
		return mvas_fail(ENOENT);
	return mvas_call(MVAS_SWITCH, &arguments);
}

vasid_t active_vas(void)
{
	struct mvas_id arguments = { .size = sizeof(arguments) };

	return mvas_call(MVAS_ACTIVE, &arguments) ? -1 : (vasid_t)arguments.id;
}

int vas_list(vasid_t *ids, size_t room)
{
	uint32_t *narrow_ids = room ? calloc(room, sizeof(*narrow_ids)) : NULL;
	int count;

	if (room && !narrow_ids)
		return -1;
	count = mvas_list_ids(MVAS_LIST, narrow_ids, room);
	for (int i = 0; i < count && (size_t)i < room; i++)
		ids[i] = narrow_ids[i];
	free(narrow_ids);
	return count;
}
