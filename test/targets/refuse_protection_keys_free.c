/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that may only be executed with two keys that are free: one may be the kernel's own.
 * @needs: cpu:ospke
 * @expect: refuse protection keys 1 and 2 of memory that may only be executed are free, which is not supported
 */
#include "keys.h"

int main(void)
{
	unsigned char *first = code(1), *second = code(2);
	CHECK_EQ("a key", 1, MUST(pkey_alloc(0, 0)));
	MUST(pkey_mprotect(first, PAGE, PROT_EXEC, 1));
	MUST(mprotect(second, PAGE, PROT_EXEC));
	MUST(pkey_free(1));

	ready_and_wait();

	CHECK_EQ("key of the program's", 1, key_of(first));
	CHECK_EQ("key of the kernel's", 2, key_of(second));
	CHECK_EQ("code", 3, run(first) + run(second));
	CHECK_EQ("keys", 1, allocated());
	pass();
}
