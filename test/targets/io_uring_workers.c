/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An io_uring with few workers, and with another clock for its waits.
 * @needs: kernel>=6.12
 * @expect: restore
 * @warns: limits of the workers of an io_uring are not kept where=pid 1 \(target\) fd 3
 */
#include "target.h"
#include "io_uring.h"

int main(void)
{
	struct ring ring = make_ring(8, 0);
	unsigned most[2] = {1, 2};
	unsigned clock[4] = {CLOCK_BOOTTIME};

	MUST(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_IOWQ_MAX_WORKERS, most, 2));
	MUST(syscall(SYS_io_uring_register, ring.fd, 29 /* IORING_REGISTER_CLOCK */, clock, 0));
	do_nothing(&ring, 3);

	ready_and_wait();

	do_nothing(&ring, 3);
	pass();
}
