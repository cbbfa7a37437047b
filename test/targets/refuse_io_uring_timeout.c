/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An io_uring with a timer, which nothing but the counts shows.
 * @needs: kernel>=5.16
 * @expect: refuse its io_uring has had 2 requests and 1 completions, so it may have some in flight; remedy: try again when it is idle
 */
#include "target.h"
#include "io_uring.h"

int main(void)
{
	struct ring ring = make_ring(64, 0);
	struct __kernel_timespec hour = {.tv_sec = 3600};

	struct io_uring_sqe *request = prepare(&ring, IORING_OP_TIMEOUT, 9);
	request->addr = (unsigned long)&hour;
	request->len = 1;
	submit(&ring, 0);
	do_nothing(&ring, 1);

	ready_and_wait();

	request = prepare(&ring, IORING_OP_TIMEOUT_REMOVE, 10);
	request->addr = 9;
	submit(&ring, 2);
	CHECK_EQ("completions", 3, *ring.done);
	pass();
}
