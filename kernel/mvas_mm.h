/* SPDX-License-Identifier: GPL-2.0-only */
/* Address spaces: pages, duplicates, and replacing that of the calling process. */
#ifndef _MVAS_MM_H
#define _MVAS_MM_H

#include <linux/mm_types.h>

#include "mvas_object.h"

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

/* mvas_duplicate.c */

/**
 * struct mvas_duplication - what a duplicate of an address space should be like
 * @source: the caller has a user of it
 * @flags: MVAS_FILES_
 * @payer: what the duplicate is counted for while it grows; or NULL, with MVAS_FILES_DROP
 * @exe: executable of the duplicate; or NULL
 * @finish: puts more into the duplicate, which the calling kernel thread uses; or NULL
 * @data: for @finish
 * @dropped: out: bytes of file mappings that are not in the duplicate
 */
struct mvas_duplication {
	struct mm_struct *source;
	u32 flags;
	struct mvas_object *payer;
	struct file *exe;
	int (*finish)(void *data);
	void *data;
	u64 dropped;
};

struct mm_struct *mvas_duplicate(struct mvas_duplication *duplication);

/* mvas_swap.c */
int mvas_swap_check(void);
int mvas_swap_check_place(const struct mvas_exec *to);
struct mm_struct *mvas_swap(struct mm_struct *new, int users);
void mvas_go_on_at(const struct mvas_exec *to);

#endif
