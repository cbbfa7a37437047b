/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An io_uring whose completions an eventfd is told of.
 * @needs: kernel>=5.16
 * @expect: refuse an io_uring with an eventfd \(IORING_REGISTER_EVENTFD\) is not supported; remedy: run it without
 */
#include "target.h"
#include "io_uring.h"
#include <sys/eventfd.h>

int main(void)
{
	struct ring ring = make_ring(64, 0);
	int event = MUST(eventfd(0, EFD_NONBLOCK));
	unsigned long count = 0;

	MUST(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_EVENTFD, &event, 1));

	ready_and_wait();

	do_nothing(&ring, 3);
	CHECK_EQ("told", 8, read(event, &count, 8));
	CHECK_EQ("times", 3, count);
	pass();
}
