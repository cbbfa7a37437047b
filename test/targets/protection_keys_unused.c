/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protection keys that no memory has, denied to their only thread as they were before.
 * @needs: cpu:ospke
 * @expect: restore
 */
#include "keys.h"

int main(void)
{
	unsigned rights = get_rights();
	CHECK_EQ("first key", 1, MUST(pkey_alloc(0, PKEY_DISABLE_ACCESS)));
	CHECK_EQ("second key", 2, MUST(pkey_alloc(0, PKEY_DISABLE_ACCESS)));
	CHECK_EQ("rights at first", rights, get_rights());

	ready_and_wait();

	CHECK_EQ("rights", rights, get_rights());
	CHECK_EQ("keys", 7, allocated());
	pass();
}
