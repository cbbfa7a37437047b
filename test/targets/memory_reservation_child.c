/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A child that has reserved 80 TiB of addresses, with almost nothing in them.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

#define LENGTH (40ul << 40)

static void child(void *arg)
{
	unsigned char *areas[2];
	(void)arg;
	for (int i = 0; i < 2; i++) {
		areas[i] = MUST(mmap(NULL, LENGTH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
		MUST(mprotect(areas[i] + LENGTH / 2, 65536, PROT_READ | PROT_WRITE));
		fill(areas[i] + LENGTH / 2, 65536, 30 + (unsigned)i);
	}
	arrived();
	wait_for_go();
	for (int i = 0; i < 2; i++) check_fill("a used part", areas[i] + LENGTH / 2, 65536, 30 + (unsigned)i);
}

int main(void)
{
	pid_t pid = spawn(child, NULL);

	ready_and_wait();

	finish(pid);
	pass();
}
