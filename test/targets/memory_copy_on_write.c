/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory a child shares with its parent by copy-on-write: same content, changes stay apart.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

#define LENGTH (8ul << 20)

static unsigned char *area;

static void child(void *arg)
{
	unsigned seed = (unsigned)(long)arg;
	fill(area + LENGTH / 2, 65536, seed);
	arrived();
	wait_for_go();
	check_fill("what is still shared", area, LENGTH / 4, 1);
	check_fill("what the child wrote", area + LENGTH / 2, 65536, seed);
	check_zero("what the parent wrote after the fork", area + LENGTH - 65536, 65536);
	fill(area, LENGTH, seed + 50);
	check_fill("written anew", area, LENGTH, seed + 50);
}

int main(void)
{
	area = MUST(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	fill(area, LENGTH / 4, 1);
	pid_t one = spawn(child, (void *)11L), two = spawn(child, (void *)22L);
	fill(area + LENGTH - 65536, 65536, 3);

	ready_and_wait();

	finish(one);
	check_fill("what was shared", area, LENGTH / 4, 1);
	check_zero("what the children wrote", area + LENGTH / 2, 65536);
	check_fill("what the parent wrote", area + LENGTH - 65536, 65536, 3);
	fill(area, LENGTH, 4);
	finish(two);
	check_fill("written anew", area, LENGTH, 4);
	pass();
}
