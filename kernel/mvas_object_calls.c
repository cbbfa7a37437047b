// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls that VASes and segments have in common: FIND, LIST, and their attributes.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "mvas_object.h"

/**
 * mvas_access_rights() - the rights that an O_ mode of access asks for
 * @access: O_RDONLY, O_WRONLY or O_RDWR
 *
 * Return: MVAS_MAY_ bits, or -EINVAL.
 */
int mvas_access_rights(u32 access)
{
	switch (access) {
	case O_RDONLY:
		return MVAS_MAY_READ;
	case O_WRONLY:
		return MVAS_MAY_WRITE;
	case O_RDWR:
		return MVAS_MAY_READ | MVAS_MAY_WRITE;
	default:
		return -EINVAL;
	}
}

int mvas_find(struct mvas_kind *kind, struct mvas_find *args)
{
	struct mvas_object *object;
	int length = mvas_name_check(args->name);

	if (args->flags || args->id || length <= 0)
		return -EINVAL;
	mutex_lock(&mvas_lock);
	object = mvas_find_name(kind, args->name);
	if (object)
		args->id = object->id;
	mutex_unlock(&mvas_lock);
	return object ? 0 : -ENOENT;
}

/*
 * The ids of the objects that the caller can see, as many as there is room for; returns how many
 * there are.
 */
static u32 list_visible(struct mvas_kind *kind, u32 *ids, u32 room)
{
	struct mvas_object *object;
	u32 count = 0;
	int id;

	lockdep_assert_held(&mvas_lock);
	idr_for_each_entry(&kind->objects, object, id) {
		if (!mvas_visible(object))
			continue;
		if (count < room)
			ids[count] = id;
		count++;
	}
	return count;
}

int mvas_list(struct mvas_kind *kind, struct mvas_list *args)
{
	u32 *ids = NULL;
	int ret = 0;
	u32 room;

	if (args->flags || args->count || args->reserved)
		return -EINVAL;
	mutex_lock(&mvas_lock);
	args->count = list_visible(kind, NULL, 0);
	room = min(args->capacity, args->count);
	if (room) {
		ids = kvmalloc_array(room, sizeof(*ids), GFP_KERNEL_ACCOUNT);
		if (ids)
			list_visible(kind, ids, room);
		else
			ret = -ENOMEM;
	}
	mutex_unlock(&mvas_lock);
	if (ids && copy_to_user(u64_to_user_ptr(args->ids), ids, room * sizeof(*ids)))
		ret = -EFAULT;
	kvfree(ids);
	return ret;
}

int mvas_getattr(struct mvas_object *object, struct mvas_attr *args)
{
	if (args->flags || args->valid || args->state || args->reserved)
		return -EINVAL;
	mutex_lock(&mvas_lock);
	args->mode = object->mode;
	args->uid = from_kuid_munged(current_user_ns(), object->uid);
	args->gid = from_kgid_munged(current_user_ns(), object->gid);
	args->state = object->uses ? MVAS_STATE_ATTACHED : 0;
	mutex_unlock(&mvas_lock);
	args->created = object->created;
	args->bytes = 0;
	args->start = 0;
	memcpy(args->name, object->name, sizeof(args->name));
	return 0;
}

static int setattr_check(struct mvas_object *object, const struct mvas_attr *args, kuid_t uid,
			 kgid_t gid)
{
	bool owner = uid_eq(current_fsuid(), object->uid);

	if ((args->valid & MVAS_SET_MODE) && !owner && !ns_capable(object->ns, CAP_FOWNER))
		return -EPERM;
	if ((args->valid & (MVAS_SET_UID | MVAS_SET_GID)) && !ns_capable(object->ns, CAP_CHOWN))
		return -EPERM;
	/* Nobody in the object's namespace could recognize, or ever change, an id that it does not
	 * map.
	 */
	if (((args->valid & MVAS_SET_UID) && !kuid_has_mapping(object->ns, uid)) ||
	    ((args->valid & MVAS_SET_GID) && !kgid_has_mapping(object->ns, gid)))
		return -EINVAL;
	return 0;
}

int mvas_setattr(struct mvas_object *object, struct mvas_attr *args)
{
	const u32 known = MVAS_SET_MODE | MVAS_SET_UID | MVAS_SET_GID;
	kuid_t uid = make_kuid(current_user_ns(), args->uid);
	kgid_t gid = make_kgid(current_user_ns(), args->gid);
	int ret;

	if (args->flags || args->state || args->reserved || args->created || args->bytes ||
	    args->start || memchr_inv(args->name, 0, sizeof(args->name)))
		return -EINVAL;
	if (!args->valid || (args->valid & ~known) || (args->mode & ~MVAS_MODE_MASK) ||
	    ((args->valid & MVAS_SET_UID) && !uid_valid(uid)) ||
	    ((args->valid & MVAS_SET_GID) && !gid_valid(gid)))
		return -EINVAL;
	mutex_lock(&mvas_lock);
	ret = setattr_check(object, args, uid, gid);
	if (!ret && (args->valid & MVAS_SET_UID) && !uid_eq(uid, object->uid))
		ret = mvas_room_for_user(object->kind, uid, object->bytes);
	if (!ret) {
		if (args->valid & MVAS_SET_MODE)
			WRITE_ONCE(object->mode, args->mode);
		if (args->valid & MVAS_SET_UID)
			object->uid = uid;
		if (args->valid & MVAS_SET_GID)
			object->gid = gid;
	}
	mutex_unlock(&mvas_lock);
	return ret;
}
