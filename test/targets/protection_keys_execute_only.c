/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that may only be executed, to which the kernel gives a key of its own; the same with keys of the program's
 * own and with key 0, and other memory whose key was free when the kernel took it.
 * @needs: cpu:ospke
 * @expect: restore
 */
#include "keys.h"

enum { OWN = 2, KERNELS };

int main(void)
{
	unsigned char *kernels = code(1), *own = code(2), *plain = code(3), *untouched = memory(PAGE);
	unsigned char *before = memory(PAGE), *file;
	CHECK_EQ("first key", 1, MUST(pkey_alloc(0, 0)));
	CHECK_EQ("second key", OWN, MUST(pkey_alloc(0, 0)));
	CHECK_EQ("third key", KERNELS, MUST(pkey_alloc(0, 0)));
	fill(before, PAGE, 7);
	MUST(pkey_mprotect(before, PAGE, PROT_READ, KERNELS));
	MUST(pkey_free(KERNELS));
	MUST(mprotect(kernels, PAGE, PROT_EXEC));
	CHECK_EQ("key of the kernel's at first", KERNELS, key_of(kernels));
	MUST(mprotect(untouched, PAGE, PROT_EXEC));
	MUST(pkey_mprotect(own, PAGE, PROT_EXEC, OWN));
	MUST(pkey_mprotect(plain, PAGE, PROT_EXEC, 0));
	MUST(pkey_free(1));
	int fd = MUST(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
	file = MUST(mmap(NULL, PAGE, PROT_EXEC, MAP_PRIVATE, fd, 0));
	MUST(close(fd));
	unsigned rights = get_rights();
	unsigned keys = allocated();
	CHECK_EQ("keys at first", 1u << 0 | 1u << OWN, keys);
	CHECK_EQ("keys to be allocated at first", 0xffff & ~(keys | 1u << KERNELS), available());
	set_rights(rights);

	ready_and_wait();

	CHECK_EQ("rights", rights, get_rights());
	CHECK_EQ("keys", keys, allocated());
	CHECK_EQ("key of the kernel's", KERNELS, key_of(kernels));
	CHECK_EQ("the same of memory without content", KERNELS, key_of(untouched));
	CHECK_EQ("the same of a file", KERNELS, key_of(file));
	CHECK_EQ("own key", OWN, key_of(own));
	CHECK_EQ("no key", 0, key_of(plain));
	CHECK_EQ("key that was free", KERNELS, key_of(before));
	CHECK_EQ("code with the kernel's key", 1, run(kernels));
	CHECK_EQ("code with an own key", 2, run(own));
	CHECK_EQ("code without a key", 3, run(plain));
	CHECK_EQ("it cannot be read", KERNELS, tries(kernels, 0));
	unsigned char *more = code(4);
	MUST(mprotect(more, PAGE, PROT_EXEC));
	CHECK_EQ("key of more memory", KERNELS, key_of(more));
	MUST(mprotect(kernels, PAGE, PROT_READ));
	CHECK_EQ("key of memory that may be read again", 0, key_of(kernels));
	CHECK_EQ("keys to be allocated", 0xffff & ~(keys | 1u << KERNELS), available());
	set_rights(0);
	check_fill("memory whose key was free", before, PAGE, 7);
	pass();
}
