// SPDX-License-Identifier: GPL-2.0-only
/*
 * EXEC and SWITCH: another address space for the calling process.
 *
 * The kernel's own way, exec_mmap(), is not to be had by modules. What kernel threads do to use a
 * process's memory for a while is, and does the same to the scheduler, the TLB, the counters of
 * resident pages and membarrier(2); so the caller passes for a kernel thread while it changes over.
 */
#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <asm/fpu/api.h>

#include "mvas.h"
#include "mvas_compat.h"

/* Whether the calling process can change its memory without anybody else noticing. */
static int check_caller(void)
{
	if (!mvas_can_swap() || mvas_has_shadow_stack(current))
		return -EOPNOTSUPP;
	if (!thread_group_empty(current) || current->vfork_done || current->io_uring ||
	    mvas_holds_pi_futex(current))
		return -EBUSY;
	return 0;
}

static int check_place(const struct mvas_exec *args)
{
	return args->ip < TASK_SIZE_MAX && args->sp < TASK_SIZE_MAX ? 0 : -ENXIO;
}

/*
 * Who looks at the task meanwhile takes it for a kernel thread: readers of /proc/PID/stat for one
 * with a name of its own (and warn if it is none any more a moment later), the freezer and
 * cgroup.kill for one to be left alone. So it is not scheduled away before it is over. Nothing here
 * sleeps, but for locks with PREEMPT_RT.
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
	/* A process holds users of its memory alone, a kernel thread also the structure. */
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
 * swap_mm() - change the calling process's address space
 * @new: one user of it goes to the process
 * @users: how many the old one has if no other process shares it
 *
 * Return: the old one, with the process's user of it; or an error pointer and nothing changed.
 */
static struct mm_struct *swap_mm(struct mm_struct *new, int users)
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

static void go_on_at(const struct mvas_exec *args)
{
	struct pt_regs *regs = task_pt_regs(current);

	regs->ip = args->ip;
	regs->sp = args->sp;
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
		copy = mvas_duplicate_image(vas);
	mvas_object_put(&vas->object);
	return copy;
}

int mvas_ioc_exec(struct mvas_client *client, void *args)
{
	struct mvas_exec *exec = args;
	struct mm_struct *copy, *old;
	int ret = check_caller();

	if (exec->flags)
		return -EINVAL;
	/* Before the work is done; swap_mm() says for sure. */
	if (!ret && atomic_read(&current->mm->mm_users) != 1)
		ret = -EBUSY;
	if (!ret)
		ret = check_place(exec);
	if (ret)
		return ret;
	copy = duplicate(exec->id);
	if (IS_ERR(copy))
		return PTR_ERR(copy);
	old = swap_mm(copy, 1);
	if (IS_ERR(old)) {
		mmput(copy);
		return PTR_ERR(old);
	}
	mmput(old);
	go_on_at(exec);
	return 0;
}

/* The use keeps the VAS from being deleted, wherever it may be attached. */
static void drop_use(struct mvas_vas *vas)
{
	mutex_lock(&mvas_lock);
	vas->object.uses--;
	mutex_unlock(&mvas_lock);
}

/**
 * mvas_switch_forget() - a switch has ended; what it held goes
 * @client: which may not have switched at all; nobody else uses it, or @switching is held
 */
void mvas_switch_forget(struct mvas_client *client)
{
	struct mvas_vas *vas = client->switched;

	if (!vas)
		return;
	client->switched = NULL;
	if (client->own)
		mmput(client->own);
	client->own = NULL;
	drop_use(vas);
	mvas_object_put(&vas->object);
}

/* Forgets a switch that ended with the process it was made in. */
static int forget_stale(struct mvas_client *client)
{
	if (client->switched && atomic_read(&client->switched->mm->mm_users) > 1)
		return -EBUSY;
	mvas_switch_forget(client);
	return 0;
}

/** mvas_switched() - whether a process is in a VAS by way of a client; under @switching */
bool mvas_switched(struct mvas_client *client, struct mvas_vas *vas)
{
	return client->switched == vas && forget_stale(client);
}

/* A user of the memory of a VAS that nobody is in; the count says so to others. */
static int enter(struct mvas_client *client, struct mvas_vas *vas)
{
	int ret;

	mutex_lock(&mvas_lock);
	ret = mvas_attached(client, vas, MVAS_MAY_READ | MVAS_MAY_WRITE);
	if (!ret && atomic_read(&vas->mm->mm_users) != 1)
		ret = -EBUSY;
	if (!ret) {
		mmget(vas->mm);
		vas->object.uses++;
	}
	mutex_unlock(&mvas_lock);
	return ret;
}

static int switch_to_vas(struct mvas_client *client, u32 id)
{
	struct mvas_vas *vas;
	struct mm_struct *old;
	int ret = forget_stale(client);

	if (ret)
		return ret;
	vas = mvas_vas_get_image(id, 0);
	if (IS_ERR(vas))
		return PTR_ERR(vas);
	ret = mvas_vas_settle(vas) ? enter(client, vas) : -EBUSY;
	if (ret)
		goto err_vas;
	/* Who was in it last may have been in another time namespace. */
	ret = mvas_mm_forget_clock(vas->mm);
	if (ret)
		goto err_mm;
	old = swap_mm(vas->mm, 1);
	ret = PTR_ERR_OR_ZERO(old);
	if (ret)
		goto err_mm;
	client->own = old;
	client->switched = vas;
	return 0;

err_mm:
	drop_use(vas);
	mmput(vas->mm);
err_vas:
	mvas_object_put(&vas->object);
	return ret;
}

/* The VAS counts as a second user of what the process is in. */
static int switch_back(struct mvas_client *client)
{
	struct mvas_vas *vas = client->switched;
	struct mm_struct *old;

	if (!vas || current->mm != vas->mm)
		return -EINVAL;
	/* The process may have changed its time namespace meanwhile. */
	if (mvas_mm_forget_clock(client->own))
		return -EINTR;
	old = swap_mm(client->own, 2);
	if (IS_ERR(old))
		return PTR_ERR(old);
	mmput(old);
	/* The process has it again. */
	client->own = NULL;
	mvas_switch_forget(client);
	return 0;
}

int mvas_ioc_switch(struct mvas_client *client, void *args)
{
	struct mvas_exec *to = args;
	int ret = check_caller();

	if (!mvas_experimental)
		return -EOPNOTSUPP;
	if (to->flags)
		return -EINVAL;
	/* The OOM killer passes over who is in a VAS. */
	if (to->id && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (!ret)
		ret = check_place(to);
	if (ret)
		return ret;
	mutex_lock(&client->switching);
	ret = to->id ? switch_to_vas(client, to->id) : switch_back(client);
	mutex_unlock(&client->switching);
	if (!ret && (to->ip || to->sp))
		go_on_at(to);
	return ret;
}

int mvas_ioc_active(struct mvas_client *client, void *args)
{
	struct mvas_id *active = args;

	if (active->flags || active->id)
		return -EINVAL;
	mutex_lock(&client->switching);
	if (client->switched && client->switched->mm == current->mm)
		active->id = client->switched->object.id;
	mutex_unlock(&client->switching);
	return 0;
}
