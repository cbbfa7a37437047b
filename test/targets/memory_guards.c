/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guards (MADV_GUARD_INSTALL): in private, shared and file memory, between pages with content; a thread's
 * stack has one from the C library since glibc 2.42.
 * @needs: kernel>=6.15
 * @expect: restore
 */
#include "target.h"
#include <setjmp.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

#define PAGE 4096ul
#define LENGTH (8 * PAGE)
#define LARGE (2048 * PAGE) /* scanned apart from its neighbours */

static sigjmp_buf back;

static void handler(int signal)
{
	siglongjmp(back, signal);
}

static int faults(volatile unsigned char *at)
{
	if (sigsetjmp(back, 1)) return 1;
	(void)*at;
	return 0;
}

static unsigned char *make(unsigned long length, int flags, int fd)
{
	unsigned char *area = MUST(mmap(NULL, length, PROT_READ | PROT_WRITE, flags, fd, 0));
	for (unsigned page = 0; page < length / PAGE; page++) fill(area + page * PAGE, PAGE, page);
	MUST(madvise(area, PAGE, MADV_GUARD_INSTALL));
	MUST(madvise(area + 3 * PAGE, 2 * PAGE, MADV_GUARD_INSTALL));
	return area;
}

int main(void)
{
	int fd = MUST(open("/guards", O_RDWR | O_CREAT, 0600));
	MUST(ftruncate(fd, LENGTH));
	unsigned long length[] = {LENGTH, LENGTH, LENGTH, LARGE};
	unsigned char *area[] = {
		make(LENGTH, MAP_PRIVATE | MAP_ANONYMOUS, -1),
		make(LENGTH, MAP_SHARED | MAP_ANONYMOUS, -1),
		make(LENGTH, MAP_PRIVATE, fd),
		make(LARGE, MAP_PRIVATE | MAP_ANONYMOUS, -1),
	};
	signal(SIGSEGV, handler);

	ready_and_wait();

	for (int i = 0; i < 4; i++) {
		for (unsigned page = 0; page < length[i] / PAGE; page++) {
			int guarded = page == 0 || page == 3 || page == 4;
			CHECK_EQ("faults", guarded, faults(area[i] + page * PAGE));
		}
		MUST(madvise(area[i], length[i], MADV_GUARD_REMOVE));
		for (unsigned page = 0; page < length[i] / PAGE; page++) {
			int kept = i == 1 || (page != 0 && page != 3 && page != 4);
			if (kept) check_fill("content", area[i] + page * PAGE, PAGE, page);
		}
	}
	pass();
}
