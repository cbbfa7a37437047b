// SPDX-License-Identifier: GPL-2.0-only
/* FORK and CAPTURE: the calls that give a VAS its memory. */
#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>

#include "mvas_calls.h"
#include "mvas_mm.h"
#include "mvas_symbols.h"
#include "mvas_vas.h"

/* The VAS to be filled: a new one, or an existing empty one. */
static struct mvas_vas *prepare(struct mvas_fork *args, struct mm_struct *mm)
{
	struct mvas_vas *vas;
	int ret;

	if (args->id && (args->mode || args->name[0]))
		return ERR_PTR(-EINVAL);
	vas = args->id ? mvas_vas_get(args->id, MVAS_MAY_WRITE) :
			 mvas_vas_create(args->name, args->mode);
	if (IS_ERR(vas))
		return vas;
	/* Before the work is done, its size is known only approximately. */
	ret = mvas_vas_fill_begin(vas, mvas_mm_bytes(mm));
	if (!ret)
		return vas;
	if (!args->id)
		mvas_object_delete(&vas->object);
	mvas_object_put(&vas->object);
	return ERR_PTR(ret);
}

/* Puts an address space into its VAS. Takes over the user of it if that succeeds. */
static int fill(struct mvas_vas *vas, struct mm_struct *mm, bool settled, struct mvas_fork *args)
{
	int ret;

	ret = mvas_mm_keep(mm);
	if (!ret)
		ret = mvas_vas_fill(vas, mm, mvas_mm_bytes(mm), settled);
	args->id = vas->object.id;
	args->bytes = (u64)get_mm_rss(mm) << PAGE_SHIFT;
	return ret;
}

static int fork_into(struct mvas_vas *vas, struct mm_struct *source, struct mvas_fork *args)
{
	struct mvas_duplication duplication = {
		.source = source,
		.flags = args->flags,
		.payer = &vas->object,
	};
	struct mm_struct *copy = mvas_duplicate(&duplication);
	int ret;

	args->dropped = duplication.dropped;
	if (IS_ERR(copy))
		return PTR_ERR(copy);
	ret = fill(vas, copy, true, args);
	if (ret)
		mmput(copy);
	return ret;
}

static int capture_into(struct mvas_vas *vas, struct mm_struct *source, struct mvas_fork *args)
{
	int ret;

	mmget(source);
	ret = fill(vas, source, false, args);
	if (ret)
		mmput(source);
	return ret;
}

static int make(struct mvas_fork *args,
		int (*how)(struct mvas_vas *, struct mm_struct *, struct mvas_fork *))
{
	bool fresh = !args->id;
	struct mm_struct *source;
	struct mvas_vas *vas;
	int ret;

	if (args->dropped || args->bytes)
		return -EINVAL;
	source = mvas_target_get(args->target);
	if (IS_ERR(source))
		return PTR_ERR(source);
	ret = mvas_mm_check(source);
	if (ret)
		goto out;
	vas = prepare(args, source);
	ret = PTR_ERR_OR_ZERO(vas);
	if (ret)
		goto out;
	ret = how(vas, source, args);
	mvas_vas_fill_end(vas);
	if (ret && fresh)
		mvas_object_delete(&vas->object);
	mvas_object_put(&vas->object);
out:
	mmput(source);
	return ret;
}

int mvas_ioc_fork(struct mvas_client *client, void *args)
{
	struct mvas_fork *fork = args;

	if (fork->flags & ~(MVAS_FILES_WHOLE | MVAS_FILES_DROP) ||
	    fork->flags == (MVAS_FILES_WHOLE | MVAS_FILES_DROP))
		return -EINVAL;
	return make(fork, fork_into);
}

int mvas_ioc_capture(struct mvas_client *client, void *args)
{
	struct mvas_fork *capture = args;

	if (capture->flags != MVAS_FILES_DROP)
		return -EINVAL;
	if (!mvas_can_set_exe())
		return -EOPNOTSUPP;
	/* The OOM killer will ignore the process, as with the lowest oom_score_adj. */
	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	return make(capture, capture_into);
}
