// SPDX-License-Identifier: GPL-2.0-only
/* Lists of segments that a VAS has attached: each is mapped where the VAS is executed. */
#include <linux/file.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "mvas_segment.h"

static bool overlap(const struct mvas_segment *one, const struct mvas_segment *other)
{
	return one->start < other->start + other->length && other->start < one->start + one->length;
}

static int use_add(struct list_head *uses, struct mvas_segment_use *new)
{
	struct mvas_segment_use *use;

	lockdep_assert_held(&mvas_lock);
	if (idr_find(&mvas_segments.objects, new->segment->object.id) != &new->segment->object)
		return -ENOENT;
	list_for_each_entry(use, uses, list) {
		if (use->segment == new->segment)
			return -EEXIST;
		if (overlap(use->segment, new->segment))
			return -EBUSY;
	}
	new->segment->object.uses++;
	list_add_tail(&new->list, uses);
	return 0;
}

/**
 * mvas_uses_add() - note that a segment is to be mapped
 * @uses: list of a VAS
 * @segment: to which the list takes over a reference, unless this fails
 * @access: O_RDONLY or O_RDWR
 *
 * Return: 0; -EEXIST if it is in the list, -EBUSY if its place is taken, -ENOENT if it was deleted,
 * -ENOMEM.
 */
int mvas_uses_add(struct list_head *uses, struct mvas_segment *segment, u32 access)
{
	struct mvas_segment_use *use = kmalloc(sizeof(*use), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!use)
		return -ENOMEM;
	use->segment = segment;
	use->access = access;
	mutex_lock(&mvas_lock);
	ret = use_add(uses, use);
	mutex_unlock(&mvas_lock);
	if (ret)
		kfree(use);
	return ret;
}

static void use_free(struct mvas_segment_use *use)
{
	mvas_object_put(&use->segment->object);
	kfree(use);
}

static struct mvas_segment_use *use_take(struct list_head *uses, u32 id)
{
	struct mvas_segment_use *use;

	lockdep_assert_held(&mvas_lock);
	list_for_each_entry(use, uses, list) {
		if (use->segment->object.id != id)
			continue;
		use->segment->object.uses--;
		list_del(&use->list);
		return use;
	}
	return NULL;
}

/** mvas_uses_remove() - take a segment out of a list: 0, or -ENOENT if it is not there */
int mvas_uses_remove(struct list_head *uses, u32 id)
{
	struct mvas_segment_use *use;

	mutex_lock(&mvas_lock);
	use = use_take(uses, id);
	mutex_unlock(&mvas_lock);
	if (!use)
		return -ENOENT;
	use_free(use);
	return 0;
}

/**
 * mvas_uses_drop() - drops the segments that a VAS has attached, when the VAS goes
 * @uses: its list, which nobody else uses any more
 */
void mvas_uses_drop(struct list_head *uses)
{
	struct mvas_segment_use *use, *next;

	mutex_lock(&mvas_lock);
	list_for_each_entry(use, uses, list)
		use->segment->object.uses--;
	mutex_unlock(&mvas_lock);
	list_for_each_entry_safe(use, next, uses, list)
		use_free(use);
}

static int map_segment(struct mvas_segment_use *use)
{
	struct mvas_segment *segment = use->segment;
	unsigned long prot = use->access == O_RDWR ? PROT_READ | PROT_WRITE : PROT_READ;
	struct file *file = mvas_segment_open(segment, use->access);
	unsigned long at;

	if (IS_ERR(file))
		return PTR_ERR(file);
	at = vm_mmap(file, segment->start, segment->length, prot, MAP_SHARED | MAP_FIXED_NOREPLACE,
		     0);
	fput(file);
	return IS_ERR_VALUE(at) ? (int)at : 0;
}

/**
 * mvas_uses_map() - map the segments of a list in the address space that the calling thread uses
 * @uses: list of the VAS that this is a duplicate of
 *
 * Return: 0 or an error, -EEXIST where the place is taken.
 */
int mvas_uses_map(struct list_head *uses)
{
	struct mvas_segment_use *use;
	int ret = 0;

	mutex_lock(&mvas_lock);
	list_for_each_entry(use, uses, list) {
		ret = map_segment(use);
		if (ret)
			break;
	}
	mutex_unlock(&mvas_lock);
	return ret;
}
