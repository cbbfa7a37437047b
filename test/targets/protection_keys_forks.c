/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that have inherited protection keys from each other, and then gone on in their own way: one without
 * any, one with all, one with memory that may only be executed, one without key 0, and those that they forked.
 * @needs: cpu:ospke
 * @expect: restore
 */
#include "keys.h"

static unsigned char *common, *mine;

static void verify(const char *who, unsigned keys, unsigned rights, int key)
{
	if (get_rights() != rights) FAIL("rights of %s: %#x, not %#x", who, get_rights(), rights);
	if (allocated() != keys) FAIL("keys of %s: %#x, not %#x", who, allocated(), keys);
	CHECK_EQ("key of common memory", key, key_of(common));
}

static void wait_and_verify(const char *who, int key)
{
	unsigned keys = allocated(), rights = get_rights();
	arrived();
	wait_for_go();
	verify(who, keys, rights, key);
	set_rights(0);
	check_fill("common memory", common, 4 * PAGE, 1);
}

static void heir(void *arg)
{
	(void)arg;
	wait_and_verify("an heir", 1);
}

static void without(void *arg)
{
	(void)arg;
	MUST(pkey_mprotect(common, 4 * PAGE, PROT_READ | PROT_WRITE, 0));
	MUST(pkey_free(1));
	MUST(pkey_free(2));
	wait_and_verify("one without keys", 0);
}

static void with_all(void *arg)
{
	(void)arg;
	int key = 0, last = 0;
	while ((key = pkey_alloc(0, PKEY_DISABLE_WRITE)) >= 0) last = key;
	CHECK_EQ("last key", KEYS - 1, last);
	MUST(pkey_mprotect(mine, PAGE, PROT_READ | PROT_WRITE, last));
	wait_and_verify("one with all keys", 1);
	CHECK_EQ("the last key", last, key_of(mine));
	unsigned char *plain = code(5);
	MUST(mprotect(plain, PAGE, PROT_EXEC));
	CHECK_EQ("no key is left for the kernel", 0, key_of(plain));
}

static void grandchild(void *arg)
{
	(void)arg;
	MUST(pkey_free(2));
	MUST(mprotect(mine, PAGE, PROT_READ | PROT_WRITE));
	wait_and_verify("a grandchild", 1);
	CHECK_EQ("key of its own memory", 0, key_of(mine));
	CHECK_EQ("keys that it can allocate", 0xfff4, available());
}

static void execute_only(void *arg)
{
	(void)arg;
	unsigned char *own = code(6);
	MUST(mprotect(own, PAGE, PROT_EXEC));
	pid_t child = spawn(grandchild, NULL);
	wait_and_verify("one with code", 1);
	CHECK_EQ("key of code", 3, key_of(own));
	CHECK_EQ("code", 6, run(own));
	finish(child);
}

static void no_first(void *arg)
{
	(void)arg;
	MUST(pkey_free(0));
	wait_and_verify("one without key 0", 1);
	CHECK_EQ("key 0 comes first", 0, MUST(pkey_alloc(0, 0)));
}

int main(void)
{
	common = memory(4 * PAGE), mine = memory(PAGE);
	fill(common, 4 * PAGE, 1);
	CHECK_EQ("first key", 1, MUST(pkey_alloc(0, 0)));
	CHECK_EQ("second key", 2, MUST(pkey_alloc(0, PKEY_DISABLE_ACCESS)));
	MUST(pkey_mprotect(common, 4 * PAGE, PROT_READ | PROT_WRITE, 1));
	pid_t children[] = {
		spawn(heir, NULL),
		spawn(without, NULL),
		spawn(with_all, NULL),
		spawn(execute_only, NULL),
		spawn(no_first, NULL),
	};
	unsigned keys = allocated(), rights = get_rights();

	ready_and_wait();

	verify("the first process", keys, rights, 1);
	for (size_t i = 0; i < sizeof(children) / sizeof(*children); i++) finish(children[i]);
	pass();
}
