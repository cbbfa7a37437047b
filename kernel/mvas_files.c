// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking the file mappings out of an address space that no process runs in, so that it keeps no
 * file open and no filesystem busy. What was written to private ones lies in anonymous pages behind
 * the mapping: these are copied, the mapping is replaced by an anonymous one, and they are copied
 * back. Page by page up to a page table's worth at a time.
 */
#include <linux/bitmap.h>
#include <linux/file.h>
#include <linux/highmem.h>
#include <linux/hugetlb.h>
#include <linux/magic.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "mvas_compat.h"
#include "mvas_mm.h"

/* A mapping, as it was when looked at. */
struct file_range {
	unsigned long start;
	unsigned long end;
	unsigned long flags;
	bool written;
	bool huge;
};

/* Up to PTRS_PER_PTE pages, within one page table. */
struct chunk {
	unsigned long start;
	DECLARE_BITMAP(wanted, PTRS_PER_PTE);
	struct page *pages[PTRS_PER_PTE];
};

/* Whose mappings are replaced, and how; see mvas_files_replace(). */
struct replacement {
	struct mm_struct *mm;
	bool whole;
	struct mvas_object *payer;
	struct chunk chunk;
};

/* The first file mapping from an address on. */
static int next_file(struct mm_struct *mm, unsigned long address, struct file_range *range)
{
	struct vm_area_struct *vma;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	vma = find_vma(mm, address);
	while (vma && !vma->vm_file)
		vma = find_vma(mm, vma->vm_end);
	if (vma) {
		mvas_unseal(vma);
		*range = (struct file_range){
			.start = vma->vm_start,
			.end = vma->vm_end,
			.flags = vma->vm_flags,
			.written = vma->anon_vma,
			.huge = is_vm_hugetlb_page(vma),
		};
	}
	mmap_write_unlock(mm);
	return vma ? 1 : 0;
}

static bool has_page_table(struct mm_struct *mm, unsigned long address)
{
	pgd_t *pgd = pgd_offset(mm, address);
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd;

	if (pgd_none(*pgd) || pgd_bad(*pgd))
		return false;
	p4d = p4d_offset(pgd, address);
	if (p4d_none(*p4d) || p4d_bad(*p4d))
		return false;
	pud = pud_offset(p4d, address);
	if (!pud_present(*pud) || pud_leaf(*pud) || pud_bad(*pud))
		return false;
	pmd = pmd_offset(pud, address);
	return pmd_present(*pmd) && !pmd_leaf(*pmd) && !pmd_bad(*pmd);
}

/* What was written is an anonymous page, or not present: swapped out, or on its way. */
static int note_written(pte_t *pte, unsigned long address, void *data)
{
	struct chunk *chunk = data;
	pte_t entry = *pte;

	if (pte_none(entry))
		return 0;
	if (!pte_present(entry) ||
	    (!pte_special(entry) && pfn_valid(pte_pfn(entry)) && PageAnon(pte_page(entry))))
		__set_bit((address - chunk->start) >> PAGE_SHIFT, chunk->wanted);
	return 0;
}

/*
 * Huge pages of a file cannot have been written to: the write would have split them. So there is
 * nothing to look for without a page table, and none has to be made.
 */
static int find_written(struct mm_struct *mm, struct chunk *chunk, unsigned long end)
{
	int ret = 0;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	if (has_page_table(mm, chunk->start))
		ret = apply_to_page_range(mm, chunk->start, end - chunk->start, note_written,
					  chunk);
	mmap_write_unlock(mm);
	return ret;
}

/*
 * Records which pages of a file mapping have anything to read. Reading pages that a file of tmpfs
 * lacks would create them permanently; swapped-out pages have an entry.
 */
static int find_any(struct mm_struct *mm, struct chunk *chunk, unsigned long end)
{
	unsigned long count = (end - chunk->start) >> PAGE_SHIFT;
	struct address_space *mapping;
	struct vm_area_struct *vma;
	unsigned long index, i;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	vma = find_vma(mm, chunk->start);
	mapping = vma->vm_file->f_mapping;
	if (!S_ISREG(mapping->host->i_mode) || mapping->host->i_sb->s_magic != TMPFS_MAGIC) {
		bitmap_set(chunk->wanted, 0, count);
	} else {
		index = linear_page_index(vma, chunk->start);
		if (xa_find(&mapping->i_pages, &(unsigned long){ index }, index + count - 1,
			    XA_PRESENT))
			for (i = 0; i < count; i++)
				if (xa_load(&mapping->i_pages, index + i))
					__set_bit(i, chunk->wanted);
	}
	mmap_read_unlock(mm);
	return 0;
}

/* Pages that cannot be read, such as those past the end of the file, are treated as unwanted. */
static int pin_wanted(struct mm_struct *mm, struct chunk *chunk)
{
	unsigned int i;
	long got;

	for_each_set_bit(i, chunk->wanted, PTRS_PER_PTE) {
		got = mvas_pin_pages(mm, chunk->start + i * PAGE_SIZE, 1, &chunk->pages[i]);
		if (got == -EINTR || got == -ENOMEM) {
			bitmap_clear(chunk->wanted, i, PTRS_PER_PTE - i);
			return got;
		}
		if (got != 1)
			__clear_bit(i, chunk->wanted);
	}
	return 0;
}

static bool is_zero(struct page *page)
{
	void *content = kmap_local_page(page);
	bool zero = !memchr_inv(content, 0, PAGE_SIZE);

	kunmap_local(content);
	return zero;
}

/* Pages that are not written read as zeros, too, and take no memory. */
static int write_page(struct mm_struct *mm, unsigned long address, struct page *from)
{
	struct page *to;
	int locked = 1;
	long got;

	if (is_zero(from))
		return 0;
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	got = mvas_get_pages(mm, address, 1, FOLL_FORCE | FOLL_WRITE, &to, &locked);
	if (locked)
		mmap_read_unlock(mm);
	if (got != 1)
		return got < 0 ? got : -EFAULT;
	copy_highpage(to, from);
	put_page(to);
	return 0;
}

/* Replaces a range by anonymous memory with the same protection. The caller uses this mm. */
static int map_anonymous(unsigned long start, unsigned long end, unsigned long flags)
{
	unsigned long prot = (flags & VM_READ ? PROT_READ : 0) |
			     (flags & VM_WRITE ? PROT_WRITE : 0) |
			     (flags & VM_EXEC ? PROT_EXEC : 0);
	unsigned long at;

	at = vm_mmap(NULL, start, end - start, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
	return IS_ERR_VALUE(at) ? (int)at : 0;
}

static int replace_chunk(struct mm_struct *mm, struct chunk *chunk, unsigned long end,
			 unsigned long flags)
{
	unsigned int i;
	int ret;

	ret = pin_wanted(mm, chunk);
	if (!ret)
		ret = map_anonymous(chunk->start, end, flags);
	for_each_set_bit(i, chunk->wanted, PTRS_PER_PTE) {
		if (!ret)
			ret = write_page(mm, chunk->start + i * PAGE_SIZE, chunk->pages[i]);
		put_page(chunk->pages[i]);
	}
	return ret;
}

static int find_wanted(struct replacement *to, const struct file_range *range, unsigned long end)
{
	int ret = 0;

	bitmap_zero(to->chunk.wanted, PTRS_PER_PTE);
	if (range->written)
		ret = find_written(to->mm, &to->chunk, end);
	if (!ret && to->whole)
		ret = find_any(to->mm, &to->chunk, end);
	return ret;
}

static int replace_range(struct replacement *to, const struct file_range *range)
{
	unsigned long address = range->start;
	unsigned long end;
	int ret = 0;

	if (!to->whole && !range->written)
		return map_anonymous(range->start, range->end, range->flags);
	for (; address < range->end && !ret; address = end) {
		end = min((address & PMD_MASK) + PMD_SIZE, range->end);
		to->chunk.start = address;
		ret = find_wanted(to, range, end);
		if (!ret)
			ret = replace_chunk(to->mm, &to->chunk, end, range->flags);
		if (!ret && to->payer)
			ret = mvas_object_charge_least(to->payer, mvas_mm_bytes(to->mm));
		cond_resched();
	}
	return ret;
}

/**
 * mvas_files_replace() - take all file mappings out of an address space
 * @mm: used by the calling kernel thread and by no other
 * @flags: MVAS_FILES_, see the description of MVAS_FORK
 * @payer: the object that the memory is counted for as it grows; NULL if it cannot grow, with
 * MVAS_FILES_DROP
 * @dropped: bytes of mappings that were unmapped are added to it
 *
 * Return: 0 or an error, after part of the work; -ENOSPC or -EDQUOT if a limit is reached.
 */
int mvas_files_replace(struct mm_struct *mm, u32 flags, struct mvas_object *payer, u64 *dropped)
{
	const unsigned long device = VM_IO | VM_PFNMAP | VM_MIXEDMAP;
	bool whole = flags & MVAS_FILES_WHOLE;
	struct replacement *to;
	struct file_range range;
	unsigned long address = 0;
	int ret;

	to = kmalloc(sizeof(*to), GFP_KERNEL);
	if (!to)
		return -ENOMEM;
	to->mm = mm;
	to->whole = whole;
	to->payer = payer;
	while ((ret = next_file(mm, address, &range)) > 0) {
		if ((flags & MVAS_FILES_DROP) || range.huge || (range.flags & device) ||
		    ((range.flags & VM_SHARED) && !whole)) {
			*dropped += range.end - range.start;
			ret = vm_munmap(range.start, range.end - range.start);
		} else {
			ret = replace_range(to, &range);
		}
		if (ret)
			break;
		address = range.end;
	}
	kfree(to);
	/* A kernel thread's files are closed later, unless it waits for that. */
	flush_delayed_fput();
	return ret;
}
