/* SPDX-License-Identifier: GPL-2.0-only */
/* Segments, and the lists of those that a VAS has attached. */
#ifndef _MVAS_SEGMENT_H
#define _MVAS_SEGMENT_H

#include "mvas_object.h"

/**
 * struct mvas_segment - a named piece of shared memory
 * @file: has the memory
 * @start: address where it belongs, or 0
 * @length: bytes
 * @changing: makes the object's attributes and those of @file's inode change together
 */
struct mvas_segment {
	struct mvas_object object;
	struct file *file;
	u64 start;
	u64 length;
	/* Not mvas_lock: a holder of the inode's lock may wait for user space. */
	struct mutex changing;
};

/** struct mvas_segment_use - a segment is to be mapped where a VAS is executed */
struct mvas_segment_use {
	struct list_head list;
	struct mvas_segment *segment;
	u32 access;
};

static inline struct mvas_segment *mvas_to_segment(struct mvas_object *object)
{
	return container_of(object, struct mvas_segment, object);
}

extern struct mvas_kind mvas_segments;

/* mvas_segment.c */
struct mvas_segment *mvas_segment_get(u32 id, int rights);
bool mvas_segment_may_map_at(u64 start);
struct file *mvas_segment_open(struct mvas_segment *segment, u32 access);

int mvas_ioc_seg_create(struct mvas_client *client, void *args);
int mvas_ioc_seg_delete(struct mvas_client *client, void *args);
int mvas_ioc_seg_find(struct mvas_client *client, void *args);
int mvas_ioc_seg_getattr(struct mvas_client *client, void *args);
int mvas_ioc_seg_setattr(struct mvas_client *client, void *args);
int mvas_ioc_seg_list(struct mvas_client *client, void *args);
int mvas_ioc_seg_fd(struct mvas_client *client, void *args);

/* mvas_uses.c: lists of struct mvas_segment_use */
int mvas_uses_add(struct list_head *uses, struct mvas_segment *segment, u32 access);
int mvas_uses_remove(struct list_head *uses, u32 id);
void mvas_uses_drop(struct list_head *uses);
int mvas_uses_map(struct list_head *uses);

#endif
