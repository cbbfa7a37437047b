/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private anonymous memory: patterns with untouched and discarded holes, in 32 MiB; static data, heap.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

#define LENGTH (32ul << 20)
#define PAGE 4096ul

static unsigned char data[65536] = {1}, zeroed[65536];

static int is_hole(size_t page)
{
	return page % 7 == 3 || (page >= 1024 && page < 2048);
}

int main(void)
{
	unsigned char *area = MUST(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	unsigned char *heap = malloc(100000);
	for (size_t page = 0; page < LENGTH / PAGE; page++)
		if (!is_hole(page)) fill(area + page * PAGE, PAGE, (unsigned)page);
	MUST(madvise(area + 4096 * PAGE, 512 * PAGE, MADV_DONTNEED));
	fill(data, sizeof(data), 5);
	fill(zeroed, 5000, 6);
	fill(heap, 100000, 7);

	ready_and_wait();

	for (size_t page = 0; page < LENGTH / PAGE; page++) {
		int discarded = page >= 4096 && page < 4608;
		if (is_hole(page) || discarded) check_zero("a hole", area + page * PAGE, PAGE);
		else check_fill("a page", area + page * PAGE, PAGE, (unsigned)page);
	}
	check_fill("initialised data", data, sizeof(data), 5);
	check_fill("zeroed data", zeroed, 5000, 6);
	check_zero("the rest of zeroed data", zeroed + 5000, sizeof(zeroed) - 5000);
	check_fill("heap", heap, 100000, 7);
	fill(area, LENGTH, 99);
	check_fill("all written anew", area, LENGTH, 99);
	MUST(munmap(area, LENGTH));
	pass();
}
