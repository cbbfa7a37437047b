/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that has used up RLIMIT_AS, except for a page. The limit is unchanged afterwards, and is enforced.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/resource.h>

int main(void)
{
	struct rlimit limit;
	rlim_t used = strtoul(status_field("/proc/self/status", "VmSize"), NULL, 10) * 1024;
	MUST(getrlimit(RLIMIT_AS, &limit));
	limit.rlim_cur = used + 4096;
	MUST(setrlimit(RLIMIT_AS, &limit));

	ready_and_wait();

	rlim_t wanted = limit.rlim_cur;
	MUST(getrlimit(RLIMIT_AS, &limit));
	CHECK_EQ("limit", wanted, limit.rlim_cur);
	CHECK_EQ("hard limit", RLIM_INFINITY, limit.rlim_max);
	void *more = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(more == MAP_FAILED && errno == ENOMEM, "the limit holds");
	pass();
}
