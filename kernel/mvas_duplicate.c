// SPDX-License-Identifier: GPL-2.0-only
/*
 * A duplicate of an address space is made by a kernel thread that uses it as its own and forks: the
 * child takes a reference to what it got, and dies before it ever sees user space. kernel_clone()
 * is the only access to the kernel's duplication that all series have.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/oom.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "mvas_compat.h"
#include "mvas_mm.h"
#include "mvas_symbols.h"

/* Lives on the stack of the caller, which waits until the thread is done with it. */
struct job {
	struct mvas_duplication *what;
	struct task_struct *caller;
	struct mem_cgroup *memcg;

	struct completion born;
	struct completion done;
	struct pid *child;
	struct mm_struct *copy;
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

/* The child runs code of this module until it dies, so its death must be waited for. */
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

	kthread_use_mm(job->what->source);
	/* Page tables are charged to the caller. */
	before = set_active_memcg(job->memcg);
	pid = mvas_kernel_clone(&args);
	set_active_memcg(before);
	kthread_unuse_mm(job->what->source);
	if (pid < 0)
		return pid == -ERESTARTNOINTR ? -EINTR : pid;
	wait_for_completion(&job->born);
	wait_until_dead(job->child);
	if (!job->copy)
		return -EIO;
	/*
	 * The source may have been emptied before it was duplicated; the duplicate may have been
	 * emptied by process_mrelease(2), while the child had it.
	 */
	if (!mvas_mm_has_flag(job->what->source, MMF_UNSTABLE) &&
	    !mvas_mm_has_flag(job->copy, MMF_UNSTABLE))
		return 0;
	mmput(job->copy);
	return -EIO;
}

/* Gives a duplicate its final form. Until then pages are charged to the caller. */
static int finish(struct job *job)
{
	struct mvas_duplication *what = job->what;
	int ret;

	mvas_mm_set_owner(job->copy, job->caller);
	kthread_use_mm(job->copy);
	ret = mvas_mm_forget_clock(job->copy);
	if (!ret)
		ret = mvas_set_exe_file(job->copy, what->exe);
	if (!ret)
		ret = mvas_files_replace(job->copy, what->flags, what->payer, &what->dropped);
	if (!ret && what->finish)
		ret = what->finish(what->data);
	kthread_unuse_mm(job->copy);
	mvas_mm_set_owner(job->copy, NULL);
	return ret;
}

static int duplicator(void *data)
{
	struct job *job = data;

	/* So that the wait can be interrupted if the caller is killed. */
	allow_signal(SIGKILL);
	/* Inherited by the child: the OOM killer should choose another process. */
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

/**
 * mvas_duplicate() - a copy-on-write duplicate of an address space, without file mappings
 * @duplication: what it should be like; @dropped is 0
 *
 * Return: one user of the duplicate, or an error pointer.
 */
struct mm_struct *mvas_duplicate(struct mvas_duplication *duplication)
{
	struct job job = { .what = duplication, .caller = current };
	int ret;

	job.memcg = get_mem_cgroup_from_mm(current->mm);
	init_completion(&job.born);
	init_completion(&job.done);
	ret = mvas_can_clone() ? run(&job) : -EOPNOTSUPP;
	mem_cgroup_put(job.memcg);
	return ret ? ERR_PTR(ret) : job.copy;
}
