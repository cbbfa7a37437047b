// SPDX-License-Identifier: GPL-2.0-only
/* VASes as objects: their life, and the calls that use nothing else. */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "mvas_mm.h"
#include "mvas_segment.h"
#include "mvas_symbols.h"
#include "mvas_vas.h"

#define SETTLE_FIRST msecs_to_jiffies(10)
#define SETTLE_AGAIN msecs_to_jiffies(200)

static struct workqueue_struct *workqueue;

static void vas_release(struct mvas_object *object)
{
	struct mvas_vas *vas = mvas_to_vas(object);

	cancel_delayed_work_sync(&vas->settling);
	mvas_uses_drop(&vas->segments);
	if (vas->mm)
		mmput(vas->mm);
	kfree(vas);
}

struct mvas_kind mvas_vases = {
	.title = "vas",
	.limit = 4096,
	.limit_user = 4096,
	.release = vas_release,
};

/*
 * Once the last process has left a captured address space, removes its file mappings and clock.
 * Runs in a kernel thread, which can use the address space as its own.
 */
static void settle(struct work_struct *work)
{
	struct mvas_vas *vas = container_of(work, struct mvas_vas, settling.work);
	u64 dropped = 0;
	int ret;

	if (READ_ONCE(vas->settled))
		return;
	if (atomic_read(&vas->mm->mm_users) > 1) {
		queue_delayed_work(workqueue, &vas->settling, SETTLE_AGAIN);
		return;
	}
	kthread_use_mm(vas->mm);
	ret = mvas_mm_forget_clock(vas->mm);
	if (!ret)
		ret = mvas_set_exe_file(vas->mm, NULL);
	if (!ret)
		ret = mvas_files_replace(vas->mm, MVAS_FILES_DROP, NULL, &dropped);
	kthread_unuse_mm(vas->mm);
	if (ret)
		queue_delayed_work(workqueue, &vas->settling, SETTLE_AGAIN);
	else
		/* Pairs with is_settled(): the mappings have gone by then. */
		smp_store_release(&vas->settled, true);
}

static bool is_settled(struct mvas_vas *vas)
{
	/* Pairs with settle(). */
	return smp_load_acquire(&vas->settled);
}

int mvas_vas_workqueue_init(void)
{
	workqueue = alloc_workqueue("mvas", WQ_UNBOUND, 0);
	return workqueue ? 0 : -ENOMEM;
}

void mvas_vas_workqueue_exit(void)
{
	destroy_workqueue(workqueue);
}

/**
 * mvas_vas_settle() - whether a VAS can be executed, now if need be
 * @vas: with an image
 */
bool mvas_vas_settle(struct mvas_vas *vas)
{
	if (!is_settled(vas)) {
		mod_delayed_work(workqueue, &vas->settling, 0);
		flush_delayed_work(&vas->settling);
	}
	return is_settled(vas);
}

/** mvas_vas_get() - mvas_object_get() for a VAS */
struct mvas_vas *mvas_vas_get(u32 id, int rights)
{
	struct mvas_object *object = mvas_object_get(&mvas_vases, id, rights);

	return IS_ERR(object) ? ERR_CAST(object) : mvas_to_vas(object);
}

/** mvas_vas_get_image() - the same for one that must not be empty: -ENODATA */
struct mvas_vas *mvas_vas_get_image(u32 id, int rights)
{
	struct mvas_vas *vas = mvas_vas_get(id, rights);

	/* Pairs with the release in mvas_vas_fill(). */
	if (!IS_ERR(vas) && !smp_load_acquire(&vas->mm)) {
		mvas_object_put(&vas->object);
		return ERR_PTR(-ENODATA);
	}
	return vas;
}

/**
 * mvas_vas_create() - a new, empty VAS
 * @name: MVAS_NAME_SIZE bytes; empty for none
 * @mode: rights
 *
 * Return: with a reference for the caller; or an error pointer.
 */
struct mvas_vas *mvas_vas_create(const char *name, u32 mode)
{
	struct mvas_vas *vas = kzalloc(sizeof(*vas), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!vas)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&vas->segments);
	INIT_DELAYED_WORK(&vas->settling, settle);
	ret = mvas_object_add(&vas->object, &mvas_vases, name, mode);
	return ret ? ERR_PTR(ret) : vas;
}

/**
 * mvas_vas_fill_begin() - have an empty VAS to oneself, for mvas_vas_fill()
 * @vas: the VAS; mvas_vas_fill_end() gives it back
 * @bytes: that will be counted, as far as known
 *
 * Return: 0; -EBUSY if the VAS is not empty, or being filled by others; -ENOSPC or -EDQUOT; -ENOENT
 * if it was deleted.
 */
int mvas_vas_fill_begin(struct mvas_vas *vas, u64 bytes)
{
	int ret = -EBUSY;

	mutex_lock(&mvas_lock);
	if (!vas->mm && !vas->filling)
		ret = mvas_object_charge_locked(&vas->object, bytes);
	if (!ret)
		vas->filling = true;
	mutex_unlock(&mvas_lock);
	return ret;
}

/* Two VASes would each wait for the other to leave it. */
static bool is_kept(struct mm_struct *mm)
{
	struct mvas_object *object;
	int id;

	lockdep_assert_held(&mvas_lock);
	idr_for_each_entry(&mvas_vases.objects, object, id)
		if (mvas_to_vas(object)->mm == mm)
			return true;
	return false;
}

/**
 * mvas_vas_fill() - give an empty VAS its memory
 * @vas: after mvas_vas_fill_begin()
 * @mm: one user of it goes to the VAS, unless this fails
 * @bytes: that it counts for
 * @settled: no process has it
 *
 * Return: 0; -EBUSY if another VAS has that memory; -ENOSPC or -EDQUOT; -ENOENT if the VAS was
 * deleted.
 */
int mvas_vas_fill(struct mvas_vas *vas, struct mm_struct *mm, u64 bytes, bool settled)
{
	int ret;

	mutex_lock(&mvas_lock);
	ret = is_kept(mm) ? -EBUSY : mvas_object_charge_locked(&vas->object, bytes);
	if (!ret) {
		vas->settled = settled;
		/* Pairs with the acquire in mvas_vas_get_image(). */
		smp_store_release(&vas->mm, mm);
	}
	mutex_unlock(&mvas_lock);
	if (!ret && !settled)
		queue_delayed_work(workqueue, &vas->settling, SETTLE_FIRST);
	return ret;
}

/** mvas_vas_fill_end() - a VAS is filled now, or as empty as before */
void mvas_vas_fill_end(struct mvas_vas *vas)
{
	mutex_lock(&mvas_lock);
	vas->filling = false;
	if (!vas->mm)
		mvas_object_charge_locked(&vas->object, 0);
	mutex_unlock(&mvas_lock);
}

int mvas_ioc_create(struct mvas_client *client, void *args)
{
	struct mvas_create *create = args;
	struct mvas_vas *vas;

	if (create->flags || create->id || create->reserved)
		return -EINVAL;
	vas = mvas_vas_create(create->name, create->mode);
	if (IS_ERR(vas))
		return PTR_ERR(vas);
	create->id = vas->object.id;
	mvas_object_put(&vas->object);
	return 0;
}

int mvas_ioc_delete(struct mvas_client *client, void *args)
{
	struct mvas_id *delete = args;
	struct mvas_vas *vas;
	int ret;

	if (delete->flags)
		return -EINVAL;
	vas = mvas_vas_get(delete->id, MVAS_MAY_WRITE);
	if (IS_ERR(vas))
		return PTR_ERR(vas);
	ret = mvas_object_delete(&vas->object);
	mvas_object_put(&vas->object);
	return ret;
}

int mvas_ioc_find(struct mvas_client *client, void *args)
{
	return mvas_find(&mvas_vases, args);
}

int mvas_ioc_list(struct mvas_client *client, void *args)
{
	return mvas_list(&mvas_vases, args);
}

int mvas_ioc_getattr(struct mvas_client *client, void *args)
{
	struct mvas_attr *attr = args;
	struct mvas_vas *vas = mvas_vas_get(attr->id, 0);
	struct mm_struct *mm;
	int ret;

	if (IS_ERR(vas))
		return PTR_ERR(vas);
	ret = mvas_getattr(&vas->object, attr);
	/* Pairs with the release in mvas_vas_fill(). */
	mm = smp_load_acquire(&vas->mm);
	if (!ret && mm) {
		attr->bytes = (u64)get_mm_rss(mm) << PAGE_SHIFT;
		attr->state |= MVAS_STATE_IMAGE;
		if (is_settled(vas))
			attr->state |= MVAS_STATE_SETTLED;
	}
	mvas_object_put(&vas->object);
	return ret;
}

int mvas_ioc_setattr(struct mvas_client *client, void *args)
{
	struct mvas_attr *attr = args;
	struct mvas_vas *vas = mvas_vas_get(attr->id, 0);
	int ret;

	if (IS_ERR(vas))
		return PTR_ERR(vas);
	ret = mvas_setattr(&vas->object, attr);
	mvas_object_put(&vas->object);
	return ret;
}
