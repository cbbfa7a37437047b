// SPDX-License-Identifier: GPL-2.0-only
/* READ and MAPS: the content of a VAS. */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "mvas_calls.h"
#include "mvas_mm.h"
#include "mvas_vas.h"

#define BATCH 16
/* No process has more mappings; sysctl vm.max_map_count is 65530 unless raised. */
#define MAX_MAPPINGS (1U << 20)

/* Copies from one page; returns how many bytes arrived. */
static size_t copy_page_out(struct page *page, size_t offset, size_t length, void __user *to)
{
	void *from = kmap_local_page(page);
	size_t missed = copy_to_user(to, from + offset, length);

	kunmap_local(from);
	return length - missed;
}

/* Copies from at most BATCH pages; returns how many bytes arrived, or an error if none did. */
static long read_batch(struct mm_struct *mm, u64 address, u64 length, void __user *to)
{
	unsigned long first = address & PAGE_MASK;
	u64 wanted = DIV_ROUND_UP_ULL(address - first + length, PAGE_SIZE);
	struct page *pages[BATCH];
	long done = 0;
	long got, i;

	got = mvas_pin_pages(mm, first, min_t(u64, wanted, BATCH), pages);
	if (got < 0)
		return got;
	for (i = 0; i < got; i++) {
		size_t offset = offset_in_page(address + done);
		size_t part = min_t(u64, PAGE_SIZE - offset, length - done);
		size_t copied = copy_page_out(pages[i], offset, part, to + done);

		done += copied;
		if (copied < part)
			break;
	}
	mvas_unpin_pages(pages, got);
	return done ? done : -EFAULT;
}

int mvas_ioc_read(struct mvas_client *client, void *args)
{
	struct mvas_read *read = args;
	struct mvas_vas *vas;
	long part = 0;

	if (read->flags || read->done || read->address + read->length < read->address)
		return -EINVAL;
	vas = mvas_vas_get_image(read->id, MVAS_MAY_READ);
	if (IS_ERR(vas))
		return PTR_ERR(vas);
	while (read->done < read->length) {
		part = read_batch(vas->mm, read->address + read->done, read->length - read->done,
				  u64_to_user_ptr(read->buffer + read->done));
		if (part < 0)
			break;
		read->done += part;
		cond_resched();
	}
	mvas_object_put(&vas->object);
	return part < 0 && (!read->done || part == -EINTR) ? part : 0;
}

static u32 mapping_flags(struct vm_area_struct *vma)
{
	unsigned long flags = vma->vm_flags;
	bool special = !vma->vm_file && vma->vm_ops;

	return (flags & VM_READ ? MVAS_MAP_READ : 0) | (flags & VM_WRITE ? MVAS_MAP_WRITE : 0) |
	       (flags & VM_EXEC ? MVAS_MAP_EXEC : 0) | (flags & VM_SHARED ? MVAS_MAP_SHARED : 0) |
	       (vma->vm_file ? MVAS_MAP_FILE : 0) | (flags & VM_GROWSDOWN ? MVAS_MAP_STACK : 0) |
	       (special ? MVAS_MAP_SPECIAL : 0) |
	       (vma->anon_vma || vma->vm_ops ? MVAS_MAP_TOUCHED : 0);
}

static int list_mappings(struct mm_struct *mm, struct mvas_mapping *list, u32 room, u32 *count)
{
	struct vm_area_struct *vma;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	for (vma = find_vma(mm, 0); vma; vma = find_vma(mm, vma->vm_end)) {
		if (*count < room)
			list[*count] = (struct mvas_mapping){
				.start = vma->vm_start,
				.end = vma->vm_end,
				.flags = mapping_flags(vma),
			};
		(*count)++;
	}
	mmap_read_unlock(mm);
	return 0;
}

int mvas_ioc_maps(struct mvas_client *client, void *args)
{
	struct mvas_maps *maps = args;
	struct mvas_mapping *list = NULL;
	struct mvas_vas *vas;
	u32 room;
	int ret;

	if (maps->flags || maps->count)
		return -EINVAL;
	vas = mvas_vas_get_image(maps->id, MVAS_MAY_READ);
	if (IS_ERR(vas))
		return PTR_ERR(vas);
	room = min3(maps->capacity, (u32)READ_ONCE(vas->mm->map_count), MAX_MAPPINGS);
	ret = -ENOMEM;
	if (room) {
		list = kvmalloc_array(room, sizeof(*list), GFP_KERNEL_ACCOUNT);
		if (!list)
			goto out;
	}
	ret = list_mappings(vas->mm, list, room, &maps->count);
	room = min(room, maps->count);
	if (!ret && room &&
	    copy_to_user(u64_to_user_ptr(maps->mappings), list, room * sizeof(*list)))
		ret = -EFAULT;
	kvfree(list);
out:
	mvas_object_put(&vas->object);
	return ret;
}
