/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions of the kernel that it does not export. */
#ifndef _MVAS_SYMBOLS_H
#define _MVAS_SYMBOLS_H

#include <linux/fs.h>
#include <linux/sched/task.h>

bool mvas_symbols_resolve(void);
bool mvas_can_clone(void);
bool mvas_can_set_exe(void);
bool mvas_can_swap(void);
pid_t mvas_kernel_clone(struct kernel_clone_args *args);
int mvas_set_exe_file(struct mm_struct *mm, struct file *file);
struct file *mvas_get_exe_file(struct mm_struct *mm);
void mvas_mm_cid_before(struct task_struct *task);
void mvas_mm_cid_after(struct task_struct *task);

#endif
