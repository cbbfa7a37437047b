/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What VASes and segments have in common.
 *
 * The layers, each of which calls only those before it: the kernel (mvas_symbols.h, mvas_compat.h);
 * objects (mvas_object.h); address spaces (mvas_mm.h); segments (mvas_segment.h); VASes
 * (mvas_vas.h); the calls that need more than one of these (mvas_calls.h); sysfs and the device.
 */
#ifndef _MVAS_OBJECT_H
#define _MVAS_OBJECT_H

#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "include/uapi/mvas.h"

#define MVAS_MODE_MASK 0666
#define MVAS_MAY_READ 4
#define MVAS_MAY_WRITE 2

/* Of the device, see mvas_calls.h. Calls are passed it, and most of them need none. */
struct mvas_client;
struct mvas_object;

/**
 * struct mvas_kind - VASes or segments: what objects of one kind have in common
 * @list: of all kinds
 * @title: directory below /sys/kernel
 * @objects: by id; under mvas_lock
 * @directory: in sysfs
 * @limit: how many there may be
 * @limit_user: how many of them one owner may have
 * @release: frees an object that nobody uses any more; may sleep
 * @type: of the kobjects
 */
struct mvas_kind {
	struct list_head list;
	const char *title;
	struct idr objects;
	struct kobject *directory;
	unsigned int limit;
	unsigned int limit_user;
	void (*release)(struct mvas_object *object);
	struct kobj_type type;
};

/**
 * struct mvas_object - the part that VASes and segments share
 * @kobj: holds the references; in sysfs until deleted
 * @kind: never changes, nor do @id, @name, @ns and @created
 * @uid: owner, under mvas_lock, as are @gid, @mode, @bytes and @uses
 * @bytes: counted against the limits
 * @uses: attachments; while there are any, the object cannot be deleted
 */
struct mvas_object {
	struct kobject kobj;
	struct mvas_kind *kind;
	u32 id;
	char name[MVAS_NAME_SIZE];
	struct user_namespace *ns;
	time64_t created;
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
	u64 bytes;
	unsigned int uses;
};

extern struct mutex mvas_lock;
extern u64 mvas_max_bytes, mvas_max_bytes_user;

int mvas_kind_init(struct mvas_kind *kind);
void mvas_kind_exit(struct mvas_kind *kind);
u32 mvas_kind_count(struct mvas_kind *kind);

int mvas_object_add(struct mvas_object *object, struct mvas_kind *kind, const char *name, u32 mode);
int mvas_object_charge_locked(struct mvas_object *object, u64 bytes);
int mvas_object_charge_least(struct mvas_object *object, u64 bytes);
int mvas_object_delete(struct mvas_object *object);
struct mvas_object *mvas_object_get(struct mvas_kind *kind, u32 id, int rights);
void mvas_object_put(struct mvas_object *object);
bool mvas_may(struct mvas_object *object, int rights);
u64 mvas_bytes(void);

/* What the calls need besides. */
bool mvas_visible(struct mvas_object *object);
int mvas_name_check(const char *name);
struct mvas_object *mvas_find_name(struct mvas_kind *kind, const char *name);
int mvas_room_for_user(struct mvas_kind *kind, kuid_t uid, u64 bytes);

/* The calls that either kind has, mvas_object_calls.c. */
int mvas_access_rights(u32 access);
int mvas_find(struct mvas_kind *kind, struct mvas_find *args);
int mvas_list(struct mvas_kind *kind, struct mvas_list *args);
int mvas_getattr(struct mvas_object *object, struct mvas_attr *args);
int mvas_setattr(struct mvas_object *object, struct mvas_attr *args);

#endif
