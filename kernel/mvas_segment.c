// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segments: named pieces of shared memory. The memory is an unnamed file of tmpfs, with its length
 * sealed; its inode has the segment's owner and mode, so that an open descriptor cannot be reopened
 * with more rights through /proc.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/slab.h>

#include "mvas_compat.h"
#include "mvas_segment.h"

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

/** mvas_segment_get() - mvas_object_get() for a segment */
struct mvas_segment *mvas_segment_get(u32 id, int rights)
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

/**
 * mvas_segment_may_map_at() - whether the caller may have a segment belong at an address
 * @start: the address, or 0 for none
 *
 * EXEC maps by a kernel thread, to which vm.mmap_min_addr does not apply: null pointers of the
 * kernel must not find anything nevertheless. Modules cannot read that setting.
 */
bool mvas_segment_may_map_at(u64 start)
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
	if (!mvas_segment_may_map_at(create->start))
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
	segment = mvas_segment_get(delete->id, MVAS_MAY_WRITE);
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
	struct mvas_segment *segment = mvas_segment_get(attr->id, 0);
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
	struct mvas_segment *segment = mvas_segment_get(attr->id, 0);
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

/** mvas_segment_open() - an open file of a segment with no more rights than requested */
struct file *mvas_segment_open(struct mvas_segment *segment, u32 access)
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
	segment = mvas_segment_get(open->id, rights);
	if (IS_ERR(segment))
		return PTR_ERR(segment);
	file = mvas_segment_open(segment, open->access);
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
