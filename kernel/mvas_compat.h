/* SPDX-License-Identifier: GPL-2.0-only */
/* Every difference between the kernel series lives here. */
#ifndef _MVAS_COMPAT_H
#define _MVAS_COMPAT_H

#include <linux/futex.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/rseq.h>
#include <linux/sched.h>
#include <linux/sched/coredump.h>
#include <linux/sched/mm.h>
#include <linux/shmem_fs.h>
#include <linux/version.h>

#define MVAS_SERIES(major, minor) (LINUX_VERSION_CODE >> 8 == ((major) << 8 | (minor)))

/* The series on which the tests pass. The build of a test may say otherwise. */
#ifndef MVAS_TESTED
#define MVAS_TESTED (MVAS_SERIES(6, 1) || MVAS_SERIES(6, 12) || MVAS_SERIES(7, 2))
#endif

/* mm->flags became opaque in 6.18. */
static inline void mvas_mm_set_flag(struct mm_struct *mm, int flag)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
	mm_flags_set(flag, mm);
#else
	set_bit(flag, &mm->flags);
#endif
}

static inline bool mvas_mm_has_flag(struct mm_struct *mm, int flag)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 18, 0)
	return mm_flags_test(flag, mm);
#else
	return test_bit(flag, &mm->flags);
#endif
}

/* Renamed in 7.1, and takes VM_MIXEDMAP since, as the vvar is mapped there. */
static inline void mvas_zap_special(struct vm_area_struct *vma)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 1, 0)
	zap_special_vma_range(vma, vma->vm_start, vma->vm_end - vma->vm_start);
#else
	zap_vma_ptes(vma, vma->vm_start, vma->vm_end - vma->vm_start);
#endif
}

/* The address space whose cgroup is charged for pages that are not the running process's. */
static inline void mvas_mm_set_owner(struct mm_struct *mm, struct task_struct *task)
{
#ifdef CONFIG_MEMCG
	rcu_assign_pointer(mm->owner, task);
#endif
}

/*
 * A process that has changed credentials keeps its memory from others of its user, even if the
 * image comes from a process that did not. In 7.2 this belongs to the task, not to the memory, and
 * does not change.
 */
static inline void mvas_inherit_dumpable(struct mm_struct *from, struct mm_struct *to)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
	if (get_dumpable(from) != SUID_DUMP_USER)
		set_mask_bits(&to->flags, MMF_DUMPABLE_MASK, get_dumpable(from));
#elif defined(MMF_DUMPABLE_MASK)
	if (get_dumpable(from) != SUID_DUMP_USER)
		__mm_flags_set_mask_dumpable(to, get_dumpable(from));
#endif
}

/* The list of VMAs left get_user_pages_remote() in 6.5. */
static inline long mvas_get_pages(struct mm_struct *mm, unsigned long address, unsigned long count,
				  unsigned int flags, struct page **pages, int *locked)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
	return get_user_pages_remote(mm, address, count, flags, pages, locked);
#else
	return get_user_pages_remote(mm, address, count, flags, pages, NULL, locked);
#endif
}

/* A file of shared memory that is accounted page by page. VMA flags became a type in 7. */
static inline struct file *mvas_shmem_file(const char *name, loff_t size)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
	return shmem_file_setup(name, size, mk_vma_flags(VMA_NORESERVE_BIT));
#else
	return shmem_file_setup(name, size, VM_NORESERVE);
#endif
}

/* mseal(2), since 6.10, would keep the module from unmapping in its own duplicate. */
static inline void mvas_unseal(struct vm_area_struct *vma)
{
#ifdef VM_SEALED
	if (vma->vm_flags & VM_SEALED)
		vm_flags_clear(vma, VM_SEALED);
#endif
}

/* The futex state of a task moved into a structure in 7. */
static inline bool mvas_holds_pi_futex(struct task_struct *task)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
	return !list_empty(&task->futex.pi_state_list);
#else
	return !list_empty(&task->pi_state_list);
#endif
}

static inline void mvas_forget_robust_list(struct task_struct *task)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
	task->futex.robust_list = NULL;
#ifdef CONFIG_COMPAT
	task->futex.compat_robust_list = NULL;
#endif
#else
	task->robust_list = NULL;
#ifdef CONFIG_COMPAT
	task->compat_robust_list = NULL;
#endif
#endif
}

static inline bool mvas_has_shadow_stack(struct task_struct *task)
{
#ifdef CONFIG_X86_USER_SHADOW_STACK
	return task->thread.features;
#else
	return false;
#endif
}

/* Concurrency ids of an address space came in 6.3, with calls around a change of it in 6.4. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0) && defined(CONFIG_SCHED_MM_CID)
#define MVAS_HAS_MM_CID 1
#else
#define MVAS_HAS_MM_CID 0
#endif

#endif
