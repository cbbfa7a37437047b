/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's stdout, opened again for reading too, which a new one might not allow.
 * @needs: none
 * @expect: refuse is the container's stdout, and open for more than that; remedy: close it
 */
#include "target.h"

int main(void)
{
	int more = MUST(open("/proc/self/fd/1", O_RDWR));
	ready_and_wait();
	CHECK_EQ("write", 1, write(more, "\n", 1));
	pass();
}
