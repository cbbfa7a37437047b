/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory with a protection key of its own.
 * @needs: cpu:ospke
 * @expect: refuse a memory protection key is not supported
 */
#include "target.h"

int main(void)
{
	unsigned char *area =
		MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	int key = MUST(pkey_alloc(0, 0));
	MUST(pkey_mprotect(area, 4096, PROT_READ | PROT_WRITE, key));
	fill(area, 4096, 5);

	ready_and_wait();

	check_fill("memory with a key", area, 4096, 5);
	CHECK_EQ("rights of the key", 0, pkey_get(key));
	pass();
}
