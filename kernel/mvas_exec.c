// SPDX-License-Identifier: GPL-2.0-only
/* EXEC: the calling process continues in a duplicate of a VAS. */
#include <linux/file.h>
#include <linux/sched/mm.h>

#include "mvas_calls.h"
#include "mvas_mm.h"
#include "mvas_segment.h"
#include "mvas_symbols.h"
#include "mvas_vas.h"

static int map_segments(void *uses)
{
	return mvas_uses_map(uses);
}

/* A duplicate of an image with the caller's executable and the VAS's segments. */
static struct mm_struct *duplicate_image(struct mvas_vas *vas)
{
	struct mvas_duplication duplication = {
		.source = vas->mm,
		.flags = MVAS_FILES_DROP,
		.exe = mvas_get_exe_file(current->mm),
		.finish = map_segments,
		.data = &vas->segments,
	};
	struct mm_struct *copy = mvas_duplicate(&duplication);

	if (duplication.exe)
		fput(duplication.exe);
	return copy;
}

/* A duplicate of a VAS for the caller. */
static struct mm_struct *duplicate(u32 id)
{
	struct mvas_vas *vas = mvas_vas_get_image(id, MVAS_MAY_READ);
	struct mm_struct *copy;

	if (IS_ERR(vas))
		return ERR_CAST(vas);
	if (!mvas_vas_settle(vas) || atomic_read(&vas->mm->mm_users) != 1)
		copy = ERR_PTR(-EBUSY);
	else
		copy = duplicate_image(vas);
	mvas_object_put(&vas->object);
	return copy;
}

int mvas_ioc_exec(struct mvas_client *client, void *args)
{
	struct mvas_exec *exec = args;
	struct mm_struct *copy, *old;
	int ret = mvas_swap_check();

	if (exec->flags)
		return -EINVAL;
	/* Before the work is done; mvas_swap() decides finally. */
	if (!ret && atomic_read(&current->mm->mm_users) != 1)
		ret = -EBUSY;
	if (!ret)
		ret = mvas_swap_check_place(exec);
	if (ret)
		return ret;
	copy = duplicate(exec->id);
	if (IS_ERR(copy))
		return PTR_ERR(copy);
	old = mvas_swap(copy, 1);
	if (IS_ERR(old)) {
		mmput(copy);
		return PTR_ERR(old);
	}
	mmput(old);
	mvas_go_on_at(exec);
	return 0;
}
