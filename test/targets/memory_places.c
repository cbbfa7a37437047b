/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mappings at odd places: low, high, the last page, 200 of them scattered, one page each.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

#define PAGE 4096ul
#define COUNT 200

static unsigned char *place(unsigned long address, unsigned long length, unsigned seed)
{
	void *wanted = (void *)address;
	void *got = mmap(wanted, length, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (got != wanted) FAIL("no room at %p: %s", wanted, strerror(errno));
	fill(got, length, seed);
	return got;
}

static unsigned long scattered(unsigned long index)
{
	return 0x10000000000ul + index * 0x123457000ul;
}

int main(void)
{
	unsigned char *low = place(0x10000, PAGE, 1), *middle = place(0x7ffe0000, 16 * PAGE, 2);
	unsigned char *across = place(0xfffff000, 2 * PAGE, 3), *last = place(0x7fffffffe000, PAGE, 4);
	for (unsigned long i = 0; i < COUNT; i++) {
		unsigned char *at = place(scattered(i), PAGE * (1 + i % 3), 100 + (unsigned)i);
		if (i % 2) MUST(mprotect(at, PAGE, PROT_READ));
	}

	ready_and_wait();

	check_fill("low", low, PAGE, 1);
	check_fill("below 2 GiB", middle, 16 * PAGE, 2);
	check_fill("across 4 GiB", across, 2 * PAGE, 3);
	check_fill("the last page", last, PAGE, 4);
	for (unsigned long i = 0; i < COUNT; i++)
		check_fill("scattered", (void *)scattered(i), PAGE * (1 + i % 3), 100 + (unsigned)i);
	pass();
}
