/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File mappings that reach beyond the end of the file: SIGBUS there, and the tail of the last page.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <setjmp.h>

#define PAGE 4096ul

static sigjmp_buf back;

static void handler(int signal)
{
	siglongjmp(back, signal);
}

static int signal_of(volatile unsigned char *at)
{
	int signal = sigsetjmp(back, 1);
	if (signal) return signal;
	(void)*at;
	return 0;
}

int main(void)
{
	int fd = MUST(open("/data/short", O_RDWR | O_CREAT, 0600));
	MUST(ftruncate(fd, 5000));
	unsigned char *shared = MUST(mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	unsigned char *private = MUST(mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	fill(shared, 5000, 1);
	fill(private, 2 * PAGE, 2);
	signal(SIGBUS, handler);

	ready_and_wait();

	check_fill("shared", shared, 5000, 1);
	check_fill("private, with the tail of its last page", private, 2 * PAGE, 2);
	CHECK_EQ("past the end, shared", SIGBUS, signal_of(shared + 3 * PAGE));
	CHECK_EQ("past the end, private", SIGBUS, signal_of(private + 2 * PAGE));
	MUST(ftruncate(fd, 8 * PAGE));
	CHECK_EQ("the file has grown", 0, signal_of(shared + 7 * PAGE));
	CHECK_EQ("for the private one too", 0, signal_of(private + 7 * PAGE));
	pass();
}
