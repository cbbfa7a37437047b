/* SPDX-License-Identifier: GPL-2.0-only */
/* VASes as objects. */
#ifndef _MVAS_VAS_H
#define _MVAS_VAS_H

#include <linux/workqueue.h>

#include "mvas_object.h"

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

static inline struct mvas_vas *mvas_to_vas(struct mvas_object *object)
{
	return container_of(object, struct mvas_vas, object);
}

extern struct mvas_kind mvas_vases;

int mvas_vas_workqueue_init(void);
void mvas_vas_workqueue_exit(void);
struct mvas_vas *mvas_vas_get(u32 id, int rights);
struct mvas_vas *mvas_vas_get_image(u32 id, int rights);
struct mvas_vas *mvas_vas_create(const char *name, u32 mode);
int mvas_vas_fill_begin(struct mvas_vas *vas, u64 bytes);
int mvas_vas_fill(struct mvas_vas *vas, struct mm_struct *mm, u64 bytes, bool settled);
void mvas_vas_fill_end(struct mvas_vas *vas);
bool mvas_vas_settle(struct mvas_vas *vas);

int mvas_ioc_create(struct mvas_client *client, void *args);
int mvas_ioc_delete(struct mvas_client *client, void *args);
int mvas_ioc_find(struct mvas_client *client, void *args);
int mvas_ioc_getattr(struct mvas_client *client, void *args);
int mvas_ioc_setattr(struct mvas_client *client, void *args);
int mvas_ioc_list(struct mvas_client *client, void *args);

#endif
