/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that has as many mappings as the host allows: nothing can be mapped into it, and the refusal names the
 * limit.
 * @needs: none
 * @expect: refuse pid 1 \(target\): .*vm\.max_map_count is \d+; remedy
 */
#include "target.h"

int main(void)
{
	FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
	long most = 0;
	CHECK(file != NULL && fscanf(file, "%ld", &most) == 1, "vm.max_map_count");
	fclose(file);
	if (most > 1 << 17) SKIP("the host lets a process have very many mappings");
	size_t length = (size_t)most * 8192;
	unsigned char *area = MUST(mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	for (size_t at = 4096; at < length; at += 8192)
		if (mprotect(area + at, 4096, PROT_READ) != 0) break;
	/* Uses up the one or two that are left. */
	while (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED) continue;

	ready_and_wait();

	pass();
}
