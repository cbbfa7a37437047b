// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segments: named pieces of shared memory. The memory is a file of tmpfs that has no name there,
 * with its length sealed; its inode has the segment's owner and mode, so that an open descriptor
 * cannot be had anew with more rights by way of /proc.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "mvas.h"
#include "mvas_compat.h"

#define BATCH 16

static void segment_release(struct mvas_object *object)
{
	struct mvas_segment *segment = mvas_to_segment(object);

	if (segment->file)
		fput(segment->file);
	kfree(segment);
}

struct mvas_kind mvas_segments = {
	.title = "vas_segs",
	.limit = 4096,
	.limit_user = 4096,
	.release = segment_release,
};

static struct mvas_segment *segment_get(u32 id, int rights)
{
	struct mvas_object *object = mvas_object_get(&mvas_segments, id, rights);

	return IS_ERR(object) ? ERR_CAST(object) : mvas_to_segment(object);
}

static void set_inode(struct mvas_segment *segment, u32 mode, kuid_t uid, kgid_t gid)
{
	struct inode *inode = file_inode(segment->file);

	inode_lock(inode);
	inode->i_mode = S_IFREG | (mode & MVAS_MODE_MASK);
	inode->i_uid = uid;
	inode->i_gid = gid;
	inode_unlock(inode);
}

static int range_check(const struct mvas_seg_create *args)
{
	if (!args->length || !PAGE_ALIGNED(args->start | args->length))
		return -EINVAL;
	if (args->length > TASK_SIZE_MAX || args->start > TASK_SIZE_MAX - args->length)
		return -EINVAL;
	return 0;
}

/*
 * EXEC maps by a kernel thread, to which vm.mmap_min_addr does not apply: null pointers of the
 * kernel are not to find anything all the same. What that is set to modules cannot see.
 */
static bool may_map_at(u64 start)
{
	return !start || start >= max(65536, CONFIG_DEFAULT_MMAP_MIN_ADDR) ||
	       capable(CAP_SYS_RAWIO);
}

int mvas_ioc_seg_create(struct mvas_client *client, void *args)
{
	struct mvas_seg_create *create = args;
	struct mvas_segment *segment;
	int ret;

	if (create->flags || create->id || create->reserved || range_check(create))
		return -EINVAL;
	if (!may_map_at(create->start))
		return -EPERM;
	segment = kzalloc(sizeof(*segment), GFP_KERNEL_ACCOUNT);
	if (!segment)
		return -ENOMEM;
	mutex_init(&segment->changing);
	segment->start = create->start;
	segment->length = create->length;
	segment->file = mvas_shmem_file("mvas-segment", create->length);
	if (IS_ERR(segment->file)) {
		ret = PTR_ERR(segment->file);
		kfree(segment);
		return ret;
	}
	SHMEM_I(file_inode(segment->file))->seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	set_inode(segment, create->mode, current_fsuid(), current_fsgid());
	segment->object.bytes = create->length;
	ret = mvas_object_add(&segment->object, &mvas_segments, create->name, create->mode);
	if (ret)
		return ret;
	create->id = segment->object.id;
	mvas_object_put(&segment->object);
	return 0;
}

int mvas_ioc_seg_delete(struct mvas_client *client, void *args)
{
	struct mvas_id *delete = args;
	struct mvas_segment *segment;
	int ret;

	if (delete->flags)
		return -EINVAL;
	segment = segment_get(delete->id, MVAS_MAY_WRITE);
	if (IS_ERR(segment))
		return PTR_ERR(segment);
	ret = mvas_object_delete(&segment->object);
	mvas_object_put(&segment->object);
	return ret;
}

int mvas_ioc_seg_find(struct mvas_client *client, void *args)
{
	return mvas_find(&mvas_segments, args);
}

int mvas_ioc_seg_list(struct mvas_client *client, void *args)
{
	return mvas_list(&mvas_segments, args);
}

int mvas_ioc_seg_getattr(struct mvas_client *client, void *args)
{
	struct mvas_attr *attr = args;
	struct mvas_segment *segment = segment_get(attr->id, 0);
	int ret;

	if (IS_ERR(segment))
		return PTR_ERR(segment);
	ret = mvas_getattr(&segment->object, attr);
	if (!ret) {
		attr->bytes = segment->length;
		attr->start = segment->start;
	}
	mvas_object_put(&segment->object);
	return ret;
}

int mvas_ioc_seg_setattr(struct mvas_client *client, void *args)
{
	struct mvas_attr *attr = args;
	struct mvas_segment *segment = segment_get(attr->id, 0);
	int ret;

	if (IS_ERR(segment))
		return PTR_ERR(segment);
	if (mutex_lock_killable(&segment->changing)) {
		ret = -EINTR;
		goto out;
	}
	ret = mvas_setattr(&segment->object, attr);
	if (!ret)
		set_inode(segment, segment->object.mode, segment->object.uid, segment->object.gid);
	mutex_unlock(&segment->changing);
out:
	mvas_object_put(&segment->object);
	return ret;
}

/* An open file of the segment with no more rights than asked for. */
static struct file *open_segment(struct mvas_segment *segment, u32 access)
{
	return dentry_open(&segment->file->f_path, access | O_LARGEFILE, current_cred());
}

int mvas_ioc_seg_fd(struct mvas_client *client, void *args)
{
	struct mvas_seg_fd *open = args;
	int rights = mvas_access_rights(open->access);
	struct mvas_segment *segment;
	struct file *file;
	int fd;

	if (open->flags || open->fd || open->access == O_WRONLY || rights < 0)
		return -EINVAL;
	segment = segment_get(open->id, rights);
	if (IS_ERR(segment))
		return PTR_ERR(segment);
	file = open_segment(segment, open->access);
	mvas_object_put(&segment->object);
	if (IS_ERR(file))
		return PTR_ERR(file);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		fput(file);
		return fd;
	}
	fd_install(fd, file);
	open->fd = fd;
	return 0;
}

static bool overlap(const struct mvas_segment *one, const struct mvas_segment *other)
{
	return one->start < other->start + other->length && other->start < one->start + one->length;
}

static int use_add(struct mvas_vas *vas, struct mvas_segment_use *new)
{
	struct mvas_segment_use *use;

	lockdep_assert_held(&mvas_lock);
	if (idr_find(&mvas_segments.objects, new->segment->object.id) != &new->segment->object)
		return -ENOENT;
	list_for_each_entry(use, &vas->segments, list) {
		if (use->segment == new->segment)
			return -EEXIST;
		if (overlap(use->segment, new->segment))
			return -EBUSY;
	}
	new->segment->object.uses++;
	list_add_tail(&new->list, &vas->segments);
	return 0;
}

int mvas_ioc_seg_attach(struct mvas_client *client, void *args)
{
	struct mvas_seg_attach *attach = args;
	int rights = mvas_access_rights(attach->access);
	struct mvas_segment *segment;
	struct mvas_segment_use *use;
	struct mvas_vas *vas;
	int ret;

	if (attach->flags || attach->access == O_WRONLY || rights < 0)
		return -EINVAL;
	vas = mvas_vas_get(attach->vas_id, MVAS_MAY_WRITE);
	if (IS_ERR(vas))
		return PTR_ERR(vas);
	segment = segment_get(attach->seg_id, rights);
	ret = PTR_ERR_OR_ZERO(segment);
	if (ret)
		goto out_vas;
	ret = -EINVAL;
	if (!segment->start)
		goto out_segment;
	ret = -EPERM;
	if (!may_map_at(segment->start))
		goto out_segment;
	ret = -ENOMEM;
	use = kmalloc(sizeof(*use), GFP_KERNEL_ACCOUNT);
	if (!use)
		goto out_segment;
	use->segment = segment;
	use->access = attach->access;
	mutex_lock(&mvas_lock);
	ret = use_add(vas, use);
	mutex_unlock(&mvas_lock);
	/* The use has the reference now. */
	if (!ret)
		goto out_vas;
	kfree(use);
out_segment:
	mvas_object_put(&segment->object);
out_vas:
	mvas_object_put(&vas->object);
	return ret;
}

static struct mvas_segment_use *use_take(struct mvas_vas *vas, u32 id)
{
	struct mvas_segment_use *use;

	lockdep_assert_held(&mvas_lock);
	list_for_each_entry(use, &vas->segments, list) {
		if (use->segment->object.id != id)
			continue;
		use->segment->object.uses--;
		list_del(&use->list);
		return use;
	}
	return NULL;
}

int mvas_ioc_seg_detach(struct mvas_client *client, void *args)
{
	struct mvas_seg_attach *detach = args;
	struct mvas_segment_use *use;
	struct mvas_vas *vas;

	if (detach->flags || detach->access)
		return -EINVAL;
	vas = mvas_vas_get(detach->vas_id, MVAS_MAY_WRITE);
	if (IS_ERR(vas))
		return PTR_ERR(vas);
	mutex_lock(&mvas_lock);
	use = use_take(vas, detach->seg_id);
	mutex_unlock(&mvas_lock);
	if (use) {
		mvas_object_put(&use->segment->object);
		kfree(use);
	}
	mvas_object_put(&vas->object);
	return use ? 0 : -ENOENT;
}

/**
 * mvas_segment_uses_drop() - a VAS goes; so do the segments it has attached
 * @vas: which nobody else knows any more
 */
void mvas_segment_uses_drop(struct mvas_vas *vas)
{
	struct mvas_segment_use *use, *next;

	mutex_lock(&mvas_lock);
	list_for_each_entry(use, &vas->segments, list)
		use->segment->object.uses--;
	mutex_unlock(&mvas_lock);
	list_for_each_entry_safe(use, next, &vas->segments, list) {
		mvas_object_put(&use->segment->object);
		kfree(use);
	}
}

static int map_segment(struct mvas_segment_use *use)
{
	struct mvas_segment *segment = use->segment;
	unsigned long prot = use->access == O_RDWR ? PROT_READ | PROT_WRITE : PROT_READ;
	struct file *file = open_segment(segment, use->access);
	unsigned long at;

	if (IS_ERR(file))
		return PTR_ERR(file);
	at = vm_mmap(file, segment->start, segment->length, prot, MAP_SHARED | MAP_FIXED_NOREPLACE,
		     0);
	fput(file);
	return IS_ERR_VALUE(at) ? (int)at : 0;
}

/**
 * mvas_segment_uses_map() - map the segments attached to a VAS
 * @vas: whose
 * @mm: duplicate of the VAS, which the calling kernel thread uses
 *
 * Return: 0 or an error, -EEXIST where the place is taken.
 */
int mvas_segment_uses_map(struct mvas_vas *vas, struct mm_struct *mm)
{
	struct mvas_segment_use *use;
	int ret = 0;

	mutex_lock(&mvas_lock);
	list_for_each_entry(use, &vas->segments, list) {
		ret = map_segment(use);
		if (ret)
			break;
	}
	mutex_unlock(&mvas_lock);
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
	/* A page that is not there ends it in good order, another failure does not. */
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
	segment = segment_get(copy->id, MVAS_MAY_WRITE);
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
