// SPDX-License-Identifier: GPL-2.0-only
/*
 * FORK and CAPTURE. A duplicate of an address space is made by a kernel thread that uses it as its
 * own and forks: the child takes a reference to what it got, and dies before it ever sees user
 * space. kernel_clone() is the one door to the kernel's duplication that all series have.
 */
#include <linux/capability.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/oom.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "mvas.h"
#include "mvas_compat.h"

/* Lives on the stack of the caller, who waits until the thread is through with it. */
struct job {
	struct mm_struct *source;
	struct mvas_vas *vas;
	struct mvas_object *payer;
	u32 flags;
	struct task_struct *caller;
	struct mem_cgroup *memcg;
	struct file *exe;

	struct completion born;
	struct completion done;
	struct pid *child;
	struct mm_struct *copy;
	u64 dropped;
	int result;
};

/* The temporary child, which kernel_clone() has given a duplicate of the source. */
static int child(void *data)
{
	struct job *job = data;

	job->child = get_pid(task_pid(current));
	job->copy = get_task_mm(current);
	complete(&job->born);
	/* Kernel threads ignore all signals, and their children inherit it. */
	kernel_sigaction(SIGKILL, SIG_DFL);
	send_sig(SIGKILL, current, 1);
	return 0;
}

/* The child runs code of this module until it dies, so that must be waited for. */
static void wait_until_dead(struct pid *pid)
{
	bool alive = true;

	while (alive) {
		rcu_read_lock();
		alive = pid_task(pid, PIDTYPE_PID);
		rcu_read_unlock();
		if (alive)
			usleep_range(20, 60);
	}
	put_pid(pid);
}

static int duplicate(struct job *job)
{
	struct kernel_clone_args args = {
		.flags = CLONE_UNTRACED,
		.exit_signal = SIGCHLD,
		.fn = child,
		.fn_arg = job,
	};
	struct mem_cgroup *before;
	pid_t pid;

	kthread_use_mm(job->source);
	/* Page tables are charged to who asks for them. */
	before = set_active_memcg(job->memcg);
	pid = mvas_kernel_clone(&args);
	set_active_memcg(before);
	kthread_unuse_mm(job->source);
	if (pid < 0)
		return pid == -ERESTARTNOINTR ? -EINTR : pid;
	wait_for_completion(&job->born);
	wait_until_dead(job->child);
	if (!job->copy)
		return -EIO;
	/*
	 * The source may have been emptied before it was duplicated; the duplicate, while the child
	 * had it, by process_mrelease(2) for the child.
	 */
	if (!mvas_mm_has_flag(job->source, MMF_UNSTABLE) &&
	    !mvas_mm_has_flag(job->copy, MMF_UNSTABLE))
		return 0;
	mmput(job->copy);
	return -EIO;
}

/* Makes a duplicate what it is to be. Until then pages are charged to the caller. */
static int finish(struct job *job)
{
	int ret;

	mvas_mm_set_owner(job->copy, job->caller);
	kthread_use_mm(job->copy);
	ret = mvas_mm_forget_clock(job->copy);
	if (!ret)
		ret = mvas_set_exe_file(job->copy, job->exe);
	if (!ret)
		ret = mvas_files_replace(job->copy, job->flags, job->payer, &job->dropped);
	if (!ret && job->vas)
		ret = mvas_segment_uses_map(job->vas, job->copy);
	kthread_unuse_mm(job->copy);
	mvas_mm_set_owner(job->copy, NULL);
	return ret;
}

static int duplicator(void *data)
{
	struct job *job = data;

	/* So that a caller who is killed can have the waiting cut short. */
	allow_signal(SIGKILL);
	/* The child inherits it: the OOM killer is to look elsewhere. */
	current->signal->oom_score_adj = OOM_SCORE_ADJ_MIN;
	job->result = duplicate(job);
	if (!job->result) {
		job->result = finish(job);
		if (job->result)
			mmput(job->copy);
	}
	kthread_complete_and_exit(&job->done, 0);
}

static int run(struct job *job)
{
	struct task_struct *thread = kthread_create(duplicator, job, "mvas-fork");

	if (IS_ERR(thread))
		return PTR_ERR(thread);
	get_task_struct(thread);
	wake_up_process(thread);
	if (wait_for_completion_killable(&job->done)) {
		send_sig(SIGKILL, thread, 1);
		wait_for_completion(&job->done);
	}
	put_task_struct(thread);
	return job->result;
}

static struct mm_struct *duplicate_for(struct job *job)
{
	int ret;

	job->caller = current;
	job->memcg = get_mem_cgroup_from_mm(current->mm);
	init_completion(&job->born);
	init_completion(&job->done);
	ret = mvas_can_clone() ? run(job) : -EOPNOTSUPP;
	mem_cgroup_put(job->memcg);
	return ret ? ERR_PTR(ret) : job->copy;
}

/**
 * mvas_duplicate() - a copy-on-write duplicate of an address space, without file mappings
 * @mm: source; the caller has a user of it
 * @flags: MVAS_FILES_
 * @payer: what the duplicate is counted for while it grows
 * @dropped: bytes of file mappings that are not in the duplicate
 *
 * Return: one user of the duplicate, or an error pointer.
 */
struct mm_struct *mvas_duplicate(struct mm_struct *mm, u32 flags, struct mvas_object *payer,
				 u64 *dropped)
{
	struct job job = { .source = mm, .flags = flags, .payer = payer };
	struct mm_struct *copy = duplicate_for(&job);

	*dropped = job.dropped;
	return copy;
}

/**
 * mvas_duplicate_image() - a duplicate of a VAS for the caller to go on in
 * @vas: with an image; the segments attached to it are mapped
 *
 * Return: one user of the duplicate, with the caller's executable; or an error pointer.
 */
struct mm_struct *mvas_duplicate_image(struct mvas_vas *vas)
{
	struct job job = { .source = vas->mm, .flags = MVAS_FILES_DROP, .vas = vas };
	struct mm_struct *copy;

	job.exe = mvas_get_exe_file(current->mm);
	copy = duplicate_for(&job);
	if (job.exe)
		fput(job.exe);
	return copy;
}

/* The VAS to be filled: a new one, or an empty one that is there. */
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
	/* Before the work is done, what it will count is known nearly enough. */
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
	struct mm_struct *copy = mvas_duplicate(source, args->flags, &vas->object, &args->dropped);
	int ret;

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
	/* The OOM killer will pass the process over, as with oom_score_adj at its lowest. */
	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	return make(capture, capture_into);
}
