/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_urings whose completions an eventfd is told of; one tells only of those that come later.
 * @needs: kernel>=6.1
 * @expect: restore
 * @blind: refuse an io_uring with an eventfd \(IORING_REGISTER_EVENTFD\) is not supported; remedy: run it without
 */
#include "target.h"
#include "io_uring.h"
#include <sys/eventfd.h>

static long told(int event)
{
	unsigned long count = 0;

	return read(event, &count, 8) == 8 ? (long)count : -1;
}

int main(void)
{
	struct ring plain = make_ring(64, 0), late = make_ring(8, 0);
	int event = MUST(eventfd(0, EFD_NONBLOCK)), other = MUST(eventfd(5, EFD_NONBLOCK));

	do_nothing(&plain, 10);
	MUST(syscall(SYS_io_uring_register, plain.fd, IORING_REGISTER_EVENTFD, &event, 1));
	MUST(syscall(SYS_io_uring_register, late.fd, IORING_REGISTER_EVENTFD_ASYNC, &other, 1));
	do_nothing(&plain, 2);

	ready_and_wait();

	CHECK_EQ("told before", 2, told(event));
	CHECK_EQ("told before", 5, told(other));
	do_nothing(&plain, 3);
	CHECK_EQ("told", 3, told(event));
	do_nothing(&late, 3);
	CHECK_EQ("told of what comes at once", -1, told(other));
	struct io_uring_sqe *request = prepare(&late, IORING_OP_NOP, 1);
	request->flags = IOSQE_ASYNC;
	submit(&late, 1);
	CHECK_EQ("told of what comes later", 1, told(other));
	pass();
}
