/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing afterwards: the heap by brk, the stack by deep recursion, a grows-down area, mremap, and
 * memory given back by MADV_DONTNEED reads as zeros.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/syscall.h>

#define PAGE 4096ul

static unsigned long recurse(int depth, unsigned long sum)
{
	volatile unsigned char frame[4000];
	for (size_t i = 0; i < sizeof(frame); i += 100) frame[i] = (unsigned char)(depth + (int)i);
	if (depth > 0) sum = recurse(depth - 1, sum + 1);
	for (size_t i = 0; i < sizeof(frame); i += 100)
		CHECK_EQ("stack frame", (unsigned char)(depth + (int)i), frame[i]);
	return sum;
}

static void check_brk(unsigned char *start, unsigned char *end)
{
	unsigned char *now = (unsigned char *)syscall(SYS_brk, 0);
	CHECK_EQ("break", (long)end, (long)now);
	check_fill("heap", start, (size_t)(end - start), 3);
	CHECK_EQ("growing the heap", (long)(end + (1 << 20)), syscall(SYS_brk, end + (1 << 20)));
	check_zero("new heap", end, 1 << 20);
	fill(start, (size_t)(end - start) + (1 << 20), 4);
	CHECK_EQ("shrinking the heap", (long)(start + PAGE), syscall(SYS_brk, start + PAGE));
	check_fill("what is left of the heap", start, PAGE, 4);
}

int main(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *volatile block = malloc(100); /* so that the C library has taken its part of the heap */
	free(block);
	unsigned char *start = (unsigned char *)syscall(SYS_brk, 0);
	unsigned char *end = (unsigned char *)syscall(SYS_brk, start + 200000);
	fill(start, 200000, 3);
	/* First, so that it is not placed where another area is to grow. */
	unsigned char *area = MUST(mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0));
	unsigned char *room = MUST(mmap(NULL, 2048 * PAGE, PROT_NONE, flags, -1, 0));
	unsigned char *down = MUST(mmap(room + 2040 * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE,
					flags | MAP_GROWSDOWN | MAP_FIXED, -1, 0));
	MUST(munmap(room, 2040 * PAGE));
	fill(down, 8 * PAGE, 5);
	fill(area, 16 * PAGE, 6);
	fill(area + 16 * PAGE, 48 * PAGE, 7);
	recurse(100, 0);

	ready_and_wait();

	check_brk(start, end);
	CHECK_EQ("deep recursion", 1500, recurse(1500, 0));
	check_fill("grows-down area", down, 8 * PAGE, 5);
	for (int i = 1; i < 200; i++) down[-(long)(i * (int)PAGE)] = (unsigned char)i;
	for (int i = 1; i < 200; i++) CHECK_EQ("grown down", (unsigned char)i, down[-(long)(i * (int)PAGE)]);
	MUST(madvise(area, 16 * PAGE, MADV_DONTNEED));
	check_zero("memory given back", area, 16 * PAGE);
	check_fill("memory kept", area + 16 * PAGE, 48 * PAGE, 7);
	area = MUST(mremap(area, 64 * PAGE, 512 * PAGE, MREMAP_MAYMOVE));
	check_zero("memory grown", area + 64 * PAGE, 448 * PAGE);
	pass();
}
