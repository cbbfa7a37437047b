/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the module share. */
#ifndef _MVAS_H
#define _MVAS_H

#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>
#include <linux/workqueue.h>

#include "include/uapi/mvas.h"

#define MVAS_MODE_MASK 0666
#define MVAS_MAY_READ 4
#define MVAS_MAY_WRITE 2

struct mvas_object;

/**
 * struct mvas_kind - VASes or segments: what objects of one kind have in common
 * @title: directory below /sys/kernel
 * @objects: by id; under mvas_lock
 * @directory: in sysfs
 * @limit: how many there may be
 * @limit_user: how many of them one owner may have
 * @release: frees an object that nobody uses any more; may sleep
 * @type: of the kobjects
 */
struct mvas_kind {
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
 * @uses: attachments; while there are any the object cannot be deleted
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

/**
 * struct mvas_vas - a virtual address space
 * @mm: NULL while empty, set once; holds one user of it
 * @filling: a call is about to set @mm; under mvas_lock
 * @settled: no process has @mm, and it maps no file
 * @settling: waits for the process that @mm was captured from to be gone
 * @segments: of struct mvas_segment_use, under mvas_lock
 */
struct mvas_vas {
	struct mvas_object object;
	struct mm_struct *mm;
	bool filling;
	bool settled;
	struct delayed_work settling;
	struct list_head segments;
};

/**
 * struct mvas_segment - a named piece of shared memory
 * @file: has the memory
 * @start: address where it belongs, or 0
 * @length: bytes
 * @changing: has the object's attributes and those of @file's inode change together
 */
struct mvas_segment {
	struct mvas_object object;
	struct file *file;
	u64 start;
	u64 length;
	/* Not mvas_lock: who holds the inode's may wait for user space. */
	struct mutex changing;
};

/** struct mvas_segment_use - a segment is to be mapped where a VAS is executed */
struct mvas_segment_use {
	struct list_head list;
	struct mvas_segment *segment;
	u32 access;
};

/**
 * struct mvas_client - an open file of /dev/mvas
 * @attachments: rights to switch, under mvas_lock
 * @switching: protects what follows
 * @own: the memory of the process that has switched, one user of it
 * @switched: the VAS it is in; a reference and a use
 */
struct mvas_client {
	struct list_head attachments;
	/* One switch at a time through the same open file. */
	struct mutex switching;
	struct mm_struct *own;
	struct mvas_vas *switched;
};

/* mvas_main.c */
extern struct mutex mvas_lock;
extern bool mvas_experimental;

/* mvas_object.c */
extern struct mvas_kind mvas_vases, mvas_segments;
extern u64 mvas_max_bytes, mvas_max_bytes_user;
int mvas_kind_init(struct mvas_kind *kind);
void mvas_kind_exit(struct mvas_kind *kind);
int mvas_object_add(struct mvas_object *object, struct mvas_kind *kind, const char *name, u32 mode);
int mvas_object_charge_locked(struct mvas_object *object, u64 bytes);
int mvas_object_charge_least(struct mvas_object *object, u64 bytes);
int mvas_object_delete(struct mvas_object *object);
struct mvas_object *mvas_object_get(struct mvas_kind *kind, u32 id, int rights);
void mvas_object_put(struct mvas_object *object);
bool mvas_may(struct mvas_object *object, int rights);
u64 mvas_bytes(void);
int mvas_access_rights(u32 access);
int mvas_find(struct mvas_kind *kind, struct mvas_find *args);
int mvas_list(struct mvas_kind *kind, struct mvas_list *args);
int mvas_getattr(struct mvas_object *object, struct mvas_attr *args);
int mvas_setattr(struct mvas_object *object, struct mvas_attr *args);

static inline struct mvas_vas *mvas_to_vas(struct mvas_object *object)
{
	return container_of(object, struct mvas_vas, object);
}

static inline struct mvas_segment *mvas_to_segment(struct mvas_object *object)
{
	return container_of(object, struct mvas_segment, object);
}

/* mvas_sysfs.c */
void mvas_sysfs_init(void);

/* mvas_vas.c */
struct mvas_vas *mvas_vas_get(u32 id, int rights);
struct mvas_vas *mvas_vas_get_image(u32 id, int rights);
struct mvas_vas *mvas_vas_create(const char *name, u32 mode);
int mvas_vas_fill_begin(struct mvas_vas *vas, u64 bytes);
int mvas_vas_fill(struct mvas_vas *vas, struct mm_struct *mm, u64 bytes, bool settled);
void mvas_vas_fill_end(struct mvas_vas *vas);
bool mvas_vas_settle(struct mvas_vas *vas);
void mvas_client_release(struct mvas_client *client);
int mvas_vas_workqueue_init(void);
void mvas_vas_workqueue_exit(void);

/* mvas_mm.c */
int mvas_target_init(void);
void mvas_target_exit(void);
bool mvas_target_available(void);
struct mm_struct *mvas_target_get(int target);
long mvas_pin_pages(struct mm_struct *mm, unsigned long address, unsigned long count,
		    struct page **pages);
void mvas_unpin_pages(struct page **pages, long count);
u64 mvas_mm_bytes(struct mm_struct *mm);
int mvas_mm_check(struct mm_struct *mm);
int mvas_mm_keep(struct mm_struct *mm);
int mvas_mm_forget_clock(struct mm_struct *mm);

/* mvas_files.c */
int mvas_files_replace(struct mm_struct *mm, u32 flags, struct mvas_object *payer, u64 *dropped);

/* mvas_fork.c */
struct mm_struct *mvas_duplicate(struct mm_struct *mm, u32 flags, struct mvas_object *payer,
				 u64 *dropped);
struct mm_struct *mvas_duplicate_image(struct mvas_vas *vas);

/* mvas_exec.c */
void mvas_switch_forget(struct mvas_client *client);
bool mvas_switched(struct mvas_client *client, struct mvas_vas *vas);

/* mvas_symbols.c */
bool mvas_symbols_resolve(void);
bool mvas_can_clone(void);
bool mvas_can_set_exe(void);
bool mvas_can_swap(void);
pid_t mvas_kernel_clone(struct kernel_clone_args *args);
int mvas_set_exe_file(struct mm_struct *mm, struct file *file);
struct file *mvas_get_exe_file(struct mm_struct *mm);
void mvas_mm_cid_before(struct task_struct *task);
void mvas_mm_cid_after(struct task_struct *task);

/* mvas_seg.c */
int mvas_segment_uses_map(struct mvas_vas *vas, struct mm_struct *mm);
void mvas_segment_uses_drop(struct mvas_vas *vas);

/* The calls: each gets its structure, checked for length, in kernel memory. */
int mvas_ioc_create(struct mvas_client *client, void *args);
int mvas_ioc_delete(struct mvas_client *client, void *args);
int mvas_ioc_find(struct mvas_client *client, void *args);
int mvas_ioc_getattr(struct mvas_client *client, void *args);
int mvas_ioc_setattr(struct mvas_client *client, void *args);
int mvas_ioc_list(struct mvas_client *client, void *args);
int mvas_ioc_fork(struct mvas_client *client, void *args);
int mvas_ioc_capture(struct mvas_client *client, void *args);
int mvas_ioc_exec(struct mvas_client *client, void *args);
int mvas_ioc_read(struct mvas_client *client, void *args);
int mvas_ioc_maps(struct mvas_client *client, void *args);
int mvas_ioc_attach(struct mvas_client *client, void *args);
int mvas_ioc_detach(struct mvas_client *client, void *args);
int mvas_ioc_switch(struct mvas_client *client, void *args);
int mvas_ioc_active(struct mvas_client *client, void *args);
int mvas_ioc_seg_create(struct mvas_client *client, void *args);
int mvas_ioc_seg_delete(struct mvas_client *client, void *args);
int mvas_ioc_seg_find(struct mvas_client *client, void *args);
int mvas_ioc_seg_getattr(struct mvas_client *client, void *args);
int mvas_ioc_seg_setattr(struct mvas_client *client, void *args);
int mvas_ioc_seg_list(struct mvas_client *client, void *args);
int mvas_ioc_seg_attach(struct mvas_client *client, void *args);
int mvas_ioc_seg_detach(struct mvas_client *client, void *args);
int mvas_ioc_seg_fd(struct mvas_client *client, void *args);
int mvas_ioc_seg_copyin(struct mvas_client *client, void *args);

/* Whether a client has a VAS attached with these rights; under mvas_lock. */
int mvas_attached(struct mvas_client *client, struct mvas_vas *vas, int rights);

#endif
