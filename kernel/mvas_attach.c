// SPDX-License-Identifier: GPL-2.0-only
/* SEG_ATTACH, SEG_DETACH and SEG_COPYIN: calls for segments together with VASes. */
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>

#include "mvas_calls.h"
#include "mvas_mm.h"
#include "mvas_segment.h"
#include "mvas_vas.h"

#define BATCH 16

int mvas_ioc_seg_attach(struct mvas_client *client, void *args)
{
	struct mvas_seg_attach *attach = args;
	int rights = mvas_access_rights(attach->access);
	struct mvas_segment *segment;
	struct mvas_vas *vas;
	int ret;

	if (attach->flags || attach->access == O_WRONLY || rights < 0)
		return -EINVAL;
	vas = mvas_vas_get(attach->vas_id, MVAS_MAY_WRITE);
	if (IS_ERR(vas))
		return PTR_ERR(vas);
	segment = mvas_segment_get(attach->seg_id, rights);
	ret = PTR_ERR_OR_ZERO(segment);
	if (ret)
		goto out;
	if (!segment->start)
		ret = -EINVAL;
	else if (!mvas_segment_may_map_at(segment->start))
		ret = -EPERM;
	else
		ret = mvas_uses_add(&vas->segments, segment, attach->access);
	/* Otherwise the list has the reference now. */
	if (ret)
		mvas_object_put(&segment->object);
out:
	mvas_object_put(&vas->object);
	return ret;
}

int mvas_ioc_seg_detach(struct mvas_client *client, void *args)
{
	struct mvas_seg_attach *detach = args;
	struct mvas_vas *vas;
	int ret;

	if (detach->flags || detach->access)
		return -EINVAL;
	vas = mvas_vas_get(detach->vas_id, MVAS_MAY_WRITE);
	if (IS_ERR(vas))
		return PTR_ERR(vas);
	ret = mvas_uses_remove(&vas->segments, detach->seg_id);
	mvas_object_put(&vas->object);
	return ret;
}

/* Copies one page into the segment. */
static int put_page_in(struct mvas_segment *segment, pgoff_t index, struct page *from)
{
	struct address_space *mapping = segment->file->f_mapping;
	struct page *to = shmem_read_mapping_page_gfp(mapping, index, mapping_gfp_mask(mapping));

	if (IS_ERR(to))
		return PTR_ERR(to);
	copy_highpage(to, from);
	set_page_dirty(to);
	put_page(to);
	return 0;
}

static long copy_batch(struct mvas_segment *segment, u64 offset, struct mm_struct *mm, u64 address,
		       u64 length)
{
	struct page *pages[BATCH];
	long got, i;
	int ret = 0;

	got = mvas_pin_pages(mm, address, min_t(u64, length >> PAGE_SHIFT, BATCH), pages);
	if (got < 0)
		return got;
	for (i = 0; i < got && !ret; i++)
		ret = put_page_in(segment, (offset >> PAGE_SHIFT) + i, pages[i]);
	mvas_unpin_pages(pages, got);
	return ret ? ret : got << PAGE_SHIFT;
}

static int copy_in(struct mvas_segment *segment, struct mm_struct *mm, struct mvas_seg_copyin *args)
{
	long part = 0;

	while (args->done < args->length) {
		part = copy_batch(segment, args->offset + args->done, mm,
				  args->address + args->done, args->length - args->done);
		if (part < 0)
			break;
		args->done += part;
		cond_resched();
	}
	/* A page that is not mapped ends the copy normally; another failure does not. */
	return part < 0 && (!args->done || part != -EFAULT) ? part : 0;
}

static int copy_in_from_vas(struct mvas_segment *segment, struct mvas_seg_copyin *args)
{
	struct mvas_vas *vas = mvas_vas_get_image(args->vas_id, MVAS_MAY_READ);
	int ret;

	if (IS_ERR(vas))
		return PTR_ERR(vas);
	ret = copy_in(segment, vas->mm, args);
	mvas_object_put(&vas->object);
	return ret;
}

static int copy_in_from_target(struct mvas_segment *segment, struct mvas_seg_copyin *args)
{
	struct mm_struct *mm = mvas_target_get(args->target);
	int ret;

	if (IS_ERR(mm))
		return PTR_ERR(mm);
	ret = copy_in(segment, mm, args);
	mmput(mm);
	return ret;
}

int mvas_ioc_seg_copyin(struct mvas_client *client, void *args)
{
	struct mvas_seg_copyin *copy = args;
	struct mvas_segment *segment;
	int ret;

	if (copy->flags || copy->done || (copy->vas_id && copy->target) ||
	    !PAGE_ALIGNED(copy->address | copy->length | copy->offset) ||
	    copy->address + copy->length < copy->address)
		return -EINVAL;
	segment = mvas_segment_get(copy->id, MVAS_MAY_WRITE);
	if (IS_ERR(segment))
		return PTR_ERR(segment);
	if (copy->length > segment->length || copy->offset > segment->length - copy->length)
		ret = -EINVAL;
	else if (copy->vas_id)
		ret = copy_in_from_vas(segment, copy);
	else
		ret = copy_in_from_target(segment, copy);
	mvas_object_put(&segment->object);
	return ret;
}
