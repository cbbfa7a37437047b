// SPDX-License-Identifier: GPL-2.0-only
/* The device, its table of calls, the module's life and parameters. */
#include <linux/compat.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

#include "mvas_calls.h"
#include "mvas_compat.h"
#include "mvas_mm.h"
#include "mvas_segment.h"
#include "mvas_symbols.h"
#include "mvas_sysfs.h"
#include "mvas_vas.h"

module_param_named(experimental, mvas_experimental, bool, 0444);
MODULE_PARM_DESC(experimental, "Offer SWITCH (default off)");

static bool unsafe_series;
module_param_named(unsafe, unsafe_series, bool, 0444);
MODULE_PARM_DESC(unsafe, "Load on a kernel series that was not tested (default off)");

static bool without_clone;
module_param_named(without_clone, without_clone, bool, 0444);
MODULE_PARM_DESC(without_clone, "Do as if the kernel could not make duplicates (for tests)");

module_param_named(max_vas, mvas_vases.limit, uint, 0644);
MODULE_PARM_DESC(max_vas, "How many VASes there may be (default 4096)");
module_param_named(max_vas_user, mvas_vases.limit_user, uint, 0644);
MODULE_PARM_DESC(max_vas_user, "How many VASes one owner may have (default 4096)");
module_param_named(max_segs, mvas_segments.limit, uint, 0644);
MODULE_PARM_DESC(max_segs, "How many segments there may be (default 4096)");
module_param_named(max_segs_user, mvas_segments.limit_user, uint, 0644);
MODULE_PARM_DESC(max_segs_user, "How many segments one owner may have (default 4096)");
module_param_named(max_bytes, mvas_max_bytes, ullong, 0644);
MODULE_PARM_DESC(max_bytes,
		 "Bytes of all VASes, swapped or not, and length of all segments; 0 is no limit");
module_param_named(max_bytes_user, mvas_max_bytes_user, ullong, 0644);
MODULE_PARM_DESC(max_bytes_user, "The same for those of one owner; 0 is no limit");

static int ioc_info(struct mvas_client *client, void *args)
{
	struct mvas_info *info = args;

	if (info->flags)
		return -EINVAL;
	info->version = MVAS_API_VERSION;
	info->capabilities = MVAS_CAP_SEGMENTS;
	if (mvas_target_available())
		info->capabilities |= MVAS_CAP_TARGET;
	if (mvas_can_set_exe())
		info->capabilities |= MVAS_CAP_CAPTURE;
	if (mvas_can_clone() && !without_clone)
		info->capabilities |= MVAS_CAP_FORK;
	if (mvas_can_clone() && mvas_can_swap())
		info->capabilities |= MVAS_CAP_EXEC;
	if (mvas_can_swap() && mvas_experimental)
		info->capabilities |= MVAS_CAP_SWITCH;
	info->max_bytes = mvas_max_bytes;
	info->max_bytes_user = mvas_max_bytes_user;
	info->max_vas = mvas_vases.limit;
	info->max_segs = mvas_segments.limit;
	info->max_vas_user = mvas_vases.limit_user;
	info->max_segs_user = mvas_segments.limit_user;
	mutex_lock(&mvas_lock);
	info->bytes = mvas_bytes();
	info->vas_count = mvas_kind_count(&mvas_vases);
	info->seg_count = mvas_kind_count(&mvas_segments);
	mutex_unlock(&mvas_lock);
	return 0;
}

static int ioc_fork(struct mvas_client *client, void *args)
{
	return without_clone ? -EOPNOTSUPP : mvas_ioc_fork(client, args);
}

union mvas_args {
	u64 size;
	struct mvas_info info;
	struct mvas_create create;
	struct mvas_find find;
	struct mvas_attr attr;
	struct mvas_fork fork;
	struct mvas_seg_create seg_create;
	struct mvas_seg_copyin seg_copyin;
};

/* `answers`: part of the structure is returned to the caller. */
struct mvas_call {
	int (*run)(struct mvas_client *client, void *args);
	u16 size;
	bool answers;
};

#define CALL(number, type, out, function) \
	[_IOC_NR(number)] = { .run = (function), .size = sizeof(struct type), .answers = (out) }

static const struct mvas_call calls[] = {
	CALL(MVAS_INFO, mvas_info, true, ioc_info),
	CALL(MVAS_CREATE, mvas_create, true, mvas_ioc_create),
	CALL(MVAS_DELETE, mvas_id, false, mvas_ioc_delete),
	CALL(MVAS_FIND, mvas_find, true, mvas_ioc_find),
	CALL(MVAS_GETATTR, mvas_attr, true, mvas_ioc_getattr),
	CALL(MVAS_SETATTR, mvas_attr, false, mvas_ioc_setattr),
	CALL(MVAS_LIST, mvas_list, true, mvas_ioc_list),
	CALL(MVAS_FORK, mvas_fork, true, ioc_fork),
	CALL(MVAS_CAPTURE, mvas_fork, true, mvas_ioc_capture),
	CALL(MVAS_EXEC, mvas_exec, false, mvas_ioc_exec),
	CALL(MVAS_READ, mvas_read, true, mvas_ioc_read),
	CALL(MVAS_MAPS, mvas_maps, true, mvas_ioc_maps),
	CALL(MVAS_ATTACH, mvas_attach, false, mvas_ioc_attach),
	CALL(MVAS_DETACH, mvas_attach, false, mvas_ioc_detach),
	CALL(MVAS_SWITCH, mvas_exec, false, mvas_ioc_switch),
	CALL(MVAS_ACTIVE, mvas_id, true, mvas_ioc_active),
	CALL(MVAS_SEG_CREATE, mvas_seg_create, true, mvas_ioc_seg_create),
	CALL(MVAS_SEG_DELETE, mvas_id, false, mvas_ioc_seg_delete),
	CALL(MVAS_SEG_FIND, mvas_find, true, mvas_ioc_seg_find),
	CALL(MVAS_SEG_GETATTR, mvas_attr, true, mvas_ioc_seg_getattr),
	CALL(MVAS_SEG_SETATTR, mvas_attr, false, mvas_ioc_seg_setattr),
	CALL(MVAS_SEG_LIST, mvas_list, true, mvas_ioc_seg_list),
	CALL(MVAS_SEG_ATTACH, mvas_seg_attach, false, mvas_ioc_seg_attach),
	CALL(MVAS_SEG_DETACH, mvas_seg_attach, false, mvas_ioc_seg_detach),
	CALL(MVAS_SEG_FD, mvas_seg_fd, true, mvas_ioc_seg_fd),
	CALL(MVAS_SEG_COPYIN, mvas_seg_copyin, true, mvas_ioc_seg_copyin),
};

static long mvas_ioctl(struct file *file, unsigned int number, unsigned long argument)
{
	void __user *pointer = (void __user *)argument;
	const struct mvas_call *call;
	union mvas_args args = {};
	u64 size;
	int ret;

	if (_IOC_NR(number) >= ARRAY_SIZE(calls) || number != MVAS_IOC(_IOC_NR(number)))
		return -ENOTTY;
	call = &calls[_IOC_NR(number)];
	if (!call->run)
		return -ENOTTY;
	BUILD_BUG_ON(sizeof(args) > 512);

	if (get_user(size, (u64 __user *)pointer))
		return -EFAULT;
	if (size < call->size)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(&args, call->size, pointer, size);
	if (ret)
		return ret;
	args.size = size;
	/* Finds out whether the answer can be written before anything is done. */
	if (call->answers && copy_to_user(pointer, &args, call->size))
		return -EFAULT;

	ret = call->run(file->private_data, &args);
	if (!ret && call->answers && copy_to_user(pointer, &args, call->size))
		ret = -EFAULT;
	return ret;
}

static int mvas_open(struct inode *inode, struct file *file)
{
	file->private_data = mvas_client_create();
	return file->private_data ? 0 : -ENOMEM;
}

static int mvas_release(struct inode *inode, struct file *file)
{
	mvas_client_release(file->private_data);
	return 0;
}

static const struct file_operations mvas_operations = {
	.owner = THIS_MODULE,
	.open = mvas_open,
	.release = mvas_release,
	.unlocked_ioctl = mvas_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice mvas_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mvas",
	.fops = &mvas_operations,
	.mode = 0600,
};

static int __init mvas_init(void)
{
	int ret;

	if (!MVAS_TESTED && !unsafe_series) {
		pr_err("mvas: not tested on this kernel series; unsafe=1 loads it all the same\n");
		return -EOPNOTSUPP;
	}
	if (!mvas_symbols_resolve())
		pr_info("mvas: this kernel lacks some functions; not everything is offered\n");
	if (mvas_target_init())
		pr_info("mvas: no /proc, so other processes cannot be named\n");
	mvas_sysfs_init();
	ret = mvas_vas_workqueue_init();
	if (ret)
		goto err_target;
	ret = mvas_kind_init(&mvas_vases);
	if (ret)
		goto err_workqueue;
	ret = mvas_kind_init(&mvas_segments);
	if (ret)
		goto err_vases;
	ret = misc_register(&mvas_device);
	if (ret)
		goto err_segments;
	return 0;

err_segments:
	mvas_kind_exit(&mvas_segments);
err_vases:
	mvas_kind_exit(&mvas_vases);
err_workqueue:
	mvas_vas_workqueue_exit();
err_target:
	mvas_target_exit();
	return ret;
}

/* Objects hold the module, so none are left. */
static void __exit mvas_exit(void)
{
	misc_deregister(&mvas_device);
	mvas_kind_exit(&mvas_segments);
	mvas_kind_exit(&mvas_vases);
	mvas_vas_workqueue_exit();
	mvas_target_exit();
}

module_init(mvas_init);
module_exit(mvas_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Virtual address spaces and segments that outlive processes");
MODULE_VERSION("1");
