// SPDX-License-Identifier: GPL-2.0-only
/* Address spaces: their owners, their pages, and protection from the OOM killer. */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/userfaultfd_k.h>

#include "mvas_compat.h"
#include "mvas_mm.h"

/* The operations of an open /proc/PID/mem. */
static const struct file_operations *proc_mem;

/**
 * mvas_target_init() - learn what an open /proc/PID/mem looks like
 *
 * Only while the module is loaded, by a process that may load modules: any other could have mounted
 * something else on /proc.
 */
int mvas_target_init(void)
{
	struct file *file = filp_open("/proc/self/mem", O_RDONLY, 0);

	if (IS_ERR(file))
		return PTR_ERR(file);
	proc_mem = file->f_op;
	filp_close(file, NULL);
	return 0;
}

void mvas_target_exit(void)
{
	proc_mem = NULL;
}

bool mvas_target_available(void)
{
	return proc_mem;
}

/**
 * mvas_target_get() - the address space that the caller names
 * @target: descriptor of /proc/PID/mem, or MVAS_TARGET_SELF
 *
 * Whoever could open that file has passed mm_access(PTRACE_MODE_ATTACH_FSCREDS), which modules
 * cannot call. The file holds the address space as it was when opened, but is not a user of it.
 *
 * Return: to be given back by mmput(); or an error pointer.
 */
struct mm_struct *mvas_target_get(int target)
{
	struct mm_struct *mm;
	struct file *file;

	if (target == MVAS_TARGET_SELF) {
		mmget(current->mm);
		return current->mm;
	}
	file = fget(target);
	if (!file)
		return ERR_PTR(-EBADF);
	if (!proc_mem) {
		mm = ERR_PTR(-EOPNOTSUPP);
	} else if (file->f_op != proc_mem || !(file->f_mode & FMODE_READ)) {
		mm = ERR_PTR(-EBADF);
	} else {
		mm = file->private_data;
		if (!mm || !mmget_not_zero(mm))
			mm = ERR_PTR(-ESRCH);
	}
	fput(file);
	return mm;
}

/** mvas_mm_bytes() - what an address space counts for against the limits, including swap */
u64 mvas_mm_bytes(struct mm_struct *mm)
{
	return (u64)(get_mm_rss(mm) + get_mm_counter(mm, MM_SWAPENTS)) << PAGE_SHIFT;
}

/**
 * mvas_mm_check() - whether an address space can become a VAS
 * @mm: of a process
 *
 * A userfaultfd would make the module wait for the process that serves it.
 */
int mvas_mm_check(struct mm_struct *mm)
{
	struct vm_area_struct *vma;
	int ret = 0;

	if (mm->task_size != TASK_SIZE_MAX)
		return -EOPNOTSUPP;
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	for (vma = find_vma(mm, 0); vma && !ret; vma = find_vma(mm, vma->vm_end))
		if (vma->vm_userfaultfd_ctx.ctx)
			ret = -EBUSY;
	mmap_read_unlock(mm);
	return ret;
}

/**
 * mvas_mm_keep() - have the OOM killer and process_mrelease(2) leave an address space alone
 * @mm: the address space
 *
 * They look only at processes, and would empty it while a process that has it is dying.
 *
 * Return: 0, -EIO if they were faster, -EINTR.
 */
int mvas_mm_keep(struct mm_struct *mm)
{
	mvas_mm_set_flag(mm, MMF_OOM_SKIP);
	/* A process that did not see the flag holds the lock until it is done. */
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	mmap_write_unlock(mm);
	return mvas_mm_has_flag(mm, MMF_UNSTABLE) ? -EIO : 0;
}

/**
 * mvas_mm_forget_clock() - take the kernel's clock page out of an address space
 * @mm: in which no process runs
 *
 * The page of a time namespace is mapped without a reference to it, as long as a process is in the
 * namespace; whatever outlives the namespace must not have the page mapped, nor must a process of
 * another namespace. The right one is mapped again at the first access.
 *
 * Return: 0 or -EINTR.
 */
int mvas_mm_forget_clock(struct mm_struct *mm)
{
	struct vm_area_struct *vma;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	for (vma = find_vma(mm, 0); vma; vma = find_vma(mm, vma->vm_end))
		if (!vma->vm_file && (vma->vm_flags & (VM_PFNMAP | VM_MIXEDMAP)))
			mvas_zap_special(vma);
	mmap_write_unlock(mm);
	return 0;
}

/**
 * mvas_pin_pages() - get pages of an address space for reading
 * @mm: whose
 * @address: of the first, page-aligned
 * @count: how many
 * @pages: room for them
 *
 * Return: how many there are up to the first that is not mapped, or an error. They are given back
 * by mvas_unpin_pages().
 */
long mvas_pin_pages(struct mm_struct *mm, unsigned long address, unsigned long count,
		    struct page **pages)
{
	int locked = 1;
	long got;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	got = mvas_get_pages(mm, address, count, FOLL_FORCE, pages, &locked);
	if (locked)
		mmap_read_unlock(mm);
	if (got < 0 && fatal_signal_pending(current))
		return -EINTR;
	return got ? got : -EFAULT;
}

void mvas_unpin_pages(struct page **pages, long count)
{
	while (count > 0)
		put_page(pages[--count]);
}
