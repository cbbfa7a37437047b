// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VASes and segments have in common: ids, names, owners and modes, limits, sysfs. The calls
 * that both have are in mvas_object_calls.c.
 *
 * An object is referenced by its kobject. It is in the table of its kind from mvas_object_add()
 * until mvas_object_delete(), and holds the module as long as it exists. Only calls of the device
 * drop last references, never sysfs, whose readers kobject_del() waits for.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "mvas_object.h"

/* Protects the tables of objects, and the fields that struct mvas_object names. */
DEFINE_MUTEX(mvas_lock);

u64 mvas_max_bytes, mvas_max_bytes_user;

/* Changes only while the module is loaded or unloaded. */
static LIST_HEAD(kinds);

static struct mvas_object *from_kobj(struct kobject *kobj)
{
	return container_of(kobj, struct mvas_object, kobj);
}

static void object_release(struct kobject *kobj)
{
	struct mvas_object *object = from_kobj(kobj);

	put_user_ns(object->ns);
	object->kind->release(object);
	module_put(THIS_MODULE);
}

/**
 * mvas_kind_init() - make the table and the directory of a kind
 * @kind: with title, limits, release and attributes set
 *
 * Return: 0 or an error.
 */
int mvas_kind_init(struct mvas_kind *kind)
{
	idr_init(&kind->objects);
	list_add_tail(&kind->list, &kinds);
	kind->type.release = object_release;
	kind->directory = kobject_create_and_add(kind->title, kernel_kobj);
	if (kind->directory)
		return 0;
	mvas_kind_exit(kind);
	return -ENOMEM;
}

void mvas_kind_exit(struct mvas_kind *kind)
{
	kobject_put(kind->directory);
	list_del(&kind->list);
	idr_destroy(&kind->objects);
}

/** mvas_visible() - whether the caller may know of an object at all */
bool mvas_visible(struct mvas_object *object)
{
	return object->ns == current_user_ns() || ns_capable_noaudit(object->ns, CAP_DAC_OVERRIDE);
}

/**
 * mvas_may() - whether the caller has rights on an object
 * @object: whichever
 * @rights: MVAS_MAY_READ, MVAS_MAY_WRITE, both, or 0
 */
bool mvas_may(struct mvas_object *object, int rights)
{
	umode_t mode = READ_ONCE(object->mode);

	if (uid_eq(current_fsuid(), object->uid))
		mode >>= 6;
	else if (in_group_p(object->gid))
		mode >>= 3;
	return (mode & rights) == rights || ns_capable(object->ns, CAP_DAC_OVERRIDE);
}

/** mvas_name_check() - the length of a name, or an error if it is not valid */
int mvas_name_check(const char *name)
{
	size_t length = strnlen(name, MVAS_NAME_SIZE);
	size_t i;

	if (length == MVAS_NAME_SIZE || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EINVAL;
	for (i = 0; i < length; i++)
		if (name[i] == '/' || iscntrl(name[i]))
			return -EINVAL;
	return length;
}

/** mvas_find_name() - the object with a name in the caller's namespace; under mvas_lock */
struct mvas_object *mvas_find_name(struct mvas_kind *kind, const char *name)
{
	struct mvas_object *object;
	int id;

	lockdep_assert_held(&mvas_lock);
	idr_for_each_entry(&kind->objects, object, id)
		if (object->ns == current_user_ns() && !strcmp(object->name, name))
			return object;
	return NULL;
}

/** mvas_kind_count() - how many objects there are of a kind; under mvas_lock */
u32 mvas_kind_count(struct mvas_kind *kind)
{
	struct mvas_object *object;
	u32 count = 0;
	int id;

	lockdep_assert_held(&mvas_lock);
	idr_for_each_entry(&kind->objects, object, id)
		count++;
	return count;
}

/* What the objects of all kinds count for, or those of one owner. */
static u64 bytes_of(const kuid_t *owner)
{
	struct mvas_object *object;
	struct mvas_kind *kind;
	u64 sum = 0;
	int id;

	lockdep_assert_held(&mvas_lock);
	list_for_each_entry(kind, &kinds, list)
		idr_for_each_entry(&kind->objects, object, id)
			if (!owner || uid_eq(object->uid, *owner))
				sum += object->bytes;
	return sum;
}

/** mvas_bytes() - what all objects count for; under mvas_lock */
u64 mvas_bytes(void)
{
	return bytes_of(NULL);
}

/** mvas_room_for_user() - whether an owner may have one more object, of that many bytes */
int mvas_room_for_user(struct mvas_kind *kind, kuid_t uid, u64 bytes)
{
	u64 used = bytes_of(&uid);
	struct mvas_object *object;
	unsigned int count = 0;
	int id;

	idr_for_each_entry(&kind->objects, object, id)
		count += uid_eq(object->uid, uid);
	if (count >= kind->limit_user)
		return -EDQUOT;
	if (mvas_max_bytes_user && bytes && used + bytes > mvas_max_bytes_user)
		return -EDQUOT;
	return 0;
}

static int room_for(struct mvas_kind *kind, kuid_t uid, u64 bytes)
{
	if (mvas_kind_count(kind) >= kind->limit)
		return -ENOSPC;
	if (mvas_max_bytes && bytes && mvas_bytes() + bytes > mvas_max_bytes)
		return -ENOSPC;
	return mvas_room_for_user(kind, uid, bytes);
}

static int enter(struct mvas_object *object)
{
	struct mvas_kind *kind = object->kind;
	int id, ret;

	lockdep_assert_held(&mvas_lock);
	if (object->name[0] && mvas_find_name(kind, object->name))
		return -EEXIST;
	ret = room_for(kind, object->uid, object->bytes);
	if (ret)
		return ret;
	id = idr_alloc_cyclic(&kind->objects, NULL, 1, 0, GFP_KERNEL);
	if (id < 0)
		return id;
	object->id = id;
	ret = kobject_add(&object->kobj, kind->directory, "%d", id);
	if (ret)
		idr_remove(&kind->objects, id);
	else
		idr_replace(&kind->objects, object, id);
	return ret;
}

/**
 * mvas_object_add() - make an object known, owned by the caller
 * @object: zeroed except for what belongs only to its kind, and @bytes
 * @kind: its kind
 * @name: up to MVAS_NAME_SIZE bytes; empty for none
 * @mode: rights
 *
 * Return: 0, with a reference for the table and one for the caller; or an error, and the object is
 * freed by its kind's release.
 */
int mvas_object_add(struct mvas_object *object, struct mvas_kind *kind, const char *name, u32 mode)
{
	int ret = mvas_name_check(name);

	object->kind = kind;
	object->ns = get_user_ns(current_user_ns());
	object->created = ktime_get_real_seconds();
	object->uid = current_fsuid();
	object->gid = current_fsgid();
	object->mode = mode;
	__module_get(THIS_MODULE);
	kobject_init(&object->kobj, &kind->type);
	if (ret >= 0 && (mode & ~MVAS_MODE_MASK))
		ret = -EINVAL;
	if (ret >= 0) {
		memcpy(object->name, name, ret);
		mutex_lock(&mvas_lock);
		ret = enter(object);
		if (!ret)
			kobject_get(&object->kobj);
		mutex_unlock(&mvas_lock);
	}
	if (ret)
		kobject_put(&object->kobj);
	return ret;
}

/**
 * mvas_object_charge_locked() - count bytes against the limits; under mvas_lock
 * @object: which
 * @bytes: in all, instead of what it counted before
 *
 * Return: 0; -ENOSPC or -EDQUOT, -ENOENT if it was deleted, and then nothing changed.
 */
int mvas_object_charge_locked(struct mvas_object *object, u64 bytes)
{
	u64 before = object->bytes;
	u64 all = mvas_bytes() - before + bytes;
	u64 user = bytes_of(&object->uid) - before + bytes;

	/* Deleted objects are not counted. */
	if (idr_find(&object->kind->objects, object->id) != object)
		return -ENOENT;
	if (bytes > before && mvas_max_bytes && all > mvas_max_bytes)
		return -ENOSPC;
	if (bytes > before && mvas_max_bytes_user && user > mvas_max_bytes_user)
		return -EDQUOT;
	object->bytes = bytes;
	return 0;
}

/** mvas_object_charge_least() - the same without the lock, unless it already counts for as much */
int mvas_object_charge_least(struct mvas_object *object, u64 bytes)
{
	int ret = 0;

	mutex_lock(&mvas_lock);
	if (bytes > object->bytes)
		ret = mvas_object_charge_locked(object, bytes);
	mutex_unlock(&mvas_lock);
	return ret;
}

/**
 * mvas_object_delete() - take an object out of its table and out of sysfs
 * @object: the caller has a reference, and keeps it
 *
 * Return: 0, -EBUSY while it has uses, -ENOENT if it was already deleted.
 */
int mvas_object_delete(struct mvas_object *object)
{
	struct idr *objects = &object->kind->objects;
	int ret = 0;

	mutex_lock(&mvas_lock);
	if (idr_find(objects, object->id) != object)
		ret = -ENOENT;
	else if (object->uses)
		ret = -EBUSY;
	else
		idr_remove(objects, object->id);
	mutex_unlock(&mvas_lock);
	if (ret)
		return ret;
	kobject_del(&object->kobj);
	kobject_put(&object->kobj);
	return 0;
}

/**
 * mvas_object_get() - look an object up for the caller
 * @kind: its kind
 * @id: its id
 * @rights: what the caller must be permitted; 0 to require only that it can see the object
 *
 * Return: the object, to be given back by mvas_object_put(); or an error pointer.
 */
struct mvas_object *mvas_object_get(struct mvas_kind *kind, u32 id, int rights)
{
	struct mvas_object *object;

	if (id > INT_MAX)
		return ERR_PTR(-ENOENT);
	mutex_lock(&mvas_lock);
	object = idr_find(&kind->objects, id);
	if (!object || !mvas_visible(object))
		object = ERR_PTR(-ENOENT);
	else if (!mvas_may(object, rights))
		object = ERR_PTR(-EACCES);
	else
		kobject_get(&object->kobj);
	mutex_unlock(&mvas_lock);
	return object;
}

void mvas_object_put(struct mvas_object *object)
{
	kobject_put(&object->kobj);
}
