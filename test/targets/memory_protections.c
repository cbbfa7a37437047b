/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protections: every combination, with content, PROT_NONE with content among them; faults as before. (Execute-only
 * memory can be read too, unless the processor has protection keys.)
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <setjmp.h>

#define LENGTH 16384ul

static sigjmp_buf back;

static void handler(int signal)
{
	siglongjmp(back, signal);
}

static int can_read(volatile unsigned char *at)
{
	if (sigsetjmp(back, 1)) return 0;
	(void)*at;
	return 1;
}

static int can_write(volatile unsigned char *at)
{
	if (sigsetjmp(back, 1)) return 0;
	*at = *at;
	return 1;
}

int main(void)
{
	unsigned char *area[8];
	int readable[8];
	for (int p = 0; p < 8; p++) {
		area[p] = MUST(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		fill(area[p], LENGTH, (unsigned)p);
		if (p & PROT_EXEC) memcpy(area[p], "\xb8\x2a\x00\x00\x00\xc3", 6); /* mov $42, %eax; ret */
		MUST(mprotect(area[p], LENGTH, p));
	}
	signal(SIGSEGV, handler);
	for (int p = 0; p < 8; p++) readable[p] = can_read(area[p] + 100);

	ready_and_wait();

	for (int p = 0; p < 8; p++) {
		CHECK_EQ("readable", readable[p], can_read(area[p] + 100));
		CHECK_EQ("writable", (p & PROT_WRITE) != 0, can_write(area[p] + 100));
		if (p & PROT_EXEC) CHECK_EQ("executable", 42, ((int (*)(void))area[p])());
		MUST(mprotect(area[p], LENGTH, PROT_READ | PROT_WRITE));
		if (p & PROT_EXEC) fill(area[p], 6, (unsigned)p);
		check_fill("content", area[p], LENGTH, (unsigned)p);
	}
	pass();
}
