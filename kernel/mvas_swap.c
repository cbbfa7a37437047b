// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another address space for the calling process.
 *
 * The kernel's own way, exec_mmap(), is not available to modules. What kernel threads do to use a
 * process's memory for a while is, and does the same to the scheduler, the TLB, the counters of
 * resident pages and membarrier(2); so the caller poses as a kernel thread during the change.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <asm/fpu/api.h>

#include "mvas_compat.h"
#include "mvas_mm.h"
#include "mvas_symbols.h"

/**
 * mvas_swap_check() - whether the calling process can change its memory without side effects
 *
 * Return: 0, -EOPNOTSUPP or -EBUSY.
 */
int mvas_swap_check(void)
{
	if (!mvas_can_swap() || mvas_has_shadow_stack(current))
		return -EOPNOTSUPP;
	if (!thread_group_empty(current) || current->vfork_done || current->io_uring ||
	    mvas_holds_pi_futex(current))
		return -EBUSY;
	return 0;
}

/** mvas_swap_check_place() - whether a place is one to go on at: 0 or -ENXIO */
int mvas_swap_check_place(const struct mvas_exec *to)
{
	return to->ip < TASK_SIZE_MAX && to->sp < TASK_SIZE_MAX ? 0 : -ENXIO;
}

/*
 * Anything that looks at the task meanwhile takes it for a kernel thread: readers of /proc/PID/stat
 * for one with a name of its own (and warn if it no longer is one a moment later), the freezer and
 * cgroup.kill for one to be left alone. So it is not scheduled away before the change is over.
 * Nothing here sleeps, except for locks with PREEMPT_RT.
 */
static void change_over(struct task_struct *task, struct mm_struct *old, struct mm_struct *new)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		preempt_disable();
	/*
	 * The registers are not saved when a kernel thread is scheduled away, and may be used by
	 * the kernel at once. This saves them, to be loaded again on the way to user space.
	 */
	kernel_fpu_begin();
	kernel_fpu_end();
	/* A process holds only users of its memory, a kernel thread also the structure. */
	mmgrab(old);
	task->flags |= PF_KTHREAD;
	kthread_unuse_mm(old);
	kthread_use_mm(new);
	task->flags &= ~PF_KTHREAD;
	mmdrop(new);
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		preempt_enable();
}

/**
 * mvas_swap() - change the calling process's address space
 * @new: one user of it goes to the process
 * @users: how many the old one has if no other process shares it
 *
 * Return: the old one, with the process's user of it; or an error pointer and nothing changed.
 */
struct mm_struct *mvas_swap(struct mm_struct *new, int users)
{
	struct task_struct *task = current;
	struct mm_struct *old = task->mm;

	if (down_write_killable(&task->signal->exec_update_lock))
		return ERR_PTR(-EINTR);
	if (atomic_read(&old->mm_users) != users) {
		up_write(&task->signal->exec_update_lock);
		return ERR_PTR(-EBUSY);
	}
	mvas_mm_cid_before(task);
	task->clear_child_tid = NULL;
	mvas_forget_robust_list(task);
	rseq_execve(task);
	mvas_inherit_dumpable(old, new);
	mvas_mm_set_owner(new, task);
	change_over(task, old, new);
	mvas_mm_set_owner(old, NULL);
	mvas_mm_cid_after(task);
	up_write(&task->signal->exec_update_lock);
	return old;
}

/** mvas_go_on_at() - where the calling process goes on, once its call is over */
void mvas_go_on_at(const struct mvas_exec *to)
{
	struct pt_regs *regs = task_pt_regs(current);

	regs->ip = to->ip;
	regs->sp = to->sp;
}
