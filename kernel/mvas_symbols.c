// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions of the kernel that it does not export, found by a kprobe that is never armed. They are
 * called by static calls, which become direct calls when patched: an indirect one would fault on
 * processors with indirect branch tracking, since the kernel seals entries whose address nobody
 * takes. Functions that are not found are not offered.
 */
#include <linux/kprobes.h>
#include <linux/sched/task.h>
#include <linux/static_call.h>

#include "mvas_compat.h"
#include "mvas_symbols.h"

static pid_t no_kernel_clone(struct kernel_clone_args *args)
{
	return -EOPNOTSUPP;
}

static int no_set_mm_exe_file(struct mm_struct *mm, struct file *file)
{
	return -EOPNOTSUPP;
}

static struct file *no_get_mm_exe_file(struct mm_struct *mm)
{
	return NULL;
}

DEFINE_STATIC_CALL(mvas_call_clone, no_kernel_clone);
DEFINE_STATIC_CALL(mvas_call_set_exe, no_set_mm_exe_file);
DEFINE_STATIC_CALL(mvas_call_get_exe, no_get_mm_exe_file);

static bool has_clone, has_exe, has_swap;

#if MVAS_HAS_MM_CID
static void no_mm_cid(struct task_struct *task)
{
}

DEFINE_STATIC_CALL(mvas_call_cid_before, no_mm_cid);
DEFINE_STATIC_CALL(mvas_call_cid_after, no_mm_cid);
#endif

static void *find_symbol(const char *name)
{
	struct kprobe probe = { .symbol_name = name, .flags = KPROBE_FLAG_DISABLED };
	void *address;

	if (register_kprobe(&probe))
		return NULL;
	address = probe.addr;
	unregister_kprobe(&probe);
	return address;
}

/* Both or none: if a name is missing, the default stays in place. */
#define RESOLVE(call, name) \
	({ \
		typeof(STATIC_CALL_TRAMP(call)) *function = find_symbol(name); \
		if (function) \
			static_call_update(call, function); \
		!!function; \
	})

/**
 * mvas_symbols_resolve() - look for all of them
 *
 * Return: whether all were found.
 */
bool mvas_symbols_resolve(void)
{
	has_clone = RESOLVE(mvas_call_clone, "kernel_clone");
	has_exe = RESOLVE(mvas_call_set_exe, "set_mm_exe_file") &&
		  RESOLVE(mvas_call_get_exe, "get_mm_exe_file");
	has_swap = true;
#if MVAS_HAS_MM_CID
	has_swap = RESOLVE(mvas_call_cid_before, "sched_mm_cid_before_execve") &&
		   RESOLVE(mvas_call_cid_after, "sched_mm_cid_after_execve");
#endif
	return has_clone && has_exe && has_swap;
}

bool mvas_can_clone(void)
{
	return has_clone && has_exe;
}

bool mvas_can_set_exe(void)
{
	return has_exe;
}

bool mvas_can_swap(void)
{
	return has_swap;
}

pid_t mvas_kernel_clone(struct kernel_clone_args *args)
{
	return static_call(mvas_call_clone)(args);
}

int mvas_set_exe_file(struct mm_struct *mm, struct file *file)
{
	return static_call(mvas_call_set_exe)(mm, file);
}

struct file *mvas_get_exe_file(struct mm_struct *mm)
{
	return static_call(mvas_call_get_exe)(mm);
}

void mvas_mm_cid_before(struct task_struct *task)
{
#if MVAS_HAS_MM_CID
	static_call(mvas_call_cid_before)(task);
#endif
}

void mvas_mm_cid_after(struct task_struct *task)
{
#if MVAS_HAS_MM_CID
	static_call(mvas_call_cid_after)(task);
#endif
}
