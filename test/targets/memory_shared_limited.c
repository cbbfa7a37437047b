/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared anonymous memory of a process that may write no files as large as that: it is filled all the same.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/resource.h>

#define LENGTH (1ul << 20)

int main(void)
{
	const struct rlimit limit = { 4096, 4096 };
	unsigned char *area = MUST(
		mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	fill(area, LENGTH / 2, 30);
	fill(area + LENGTH * 3 / 4, LENGTH / 4, 31);
	MUST(setrlimit(RLIMIT_FSIZE, &limit));

	ready_and_wait();

	check_fill("the first half", area, LENGTH / 2, 30);
	check_zero("a hole", area + LENGTH / 2, LENGTH / 4);
	check_fill("the last quarter", area + LENGTH * 3 / 4, LENGTH / 4, 31);
	pass();
}
