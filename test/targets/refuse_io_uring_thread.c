/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An io_uring with a thread of the kernel's that takes requests.
 * @needs: kernel>=5.16
 * @expect: refuse an io_uring with a thread that polls \(IORING_SETUP_SQPOLL\) is not supported; remedy: run it without
 */
#include "target.h"
#include "io_uring.h"

int main(void)
{
	struct ring ring = make_ring(64, IORING_SETUP_SQPOLL);

	ready_and_wait();

	CHECK_EQ("requests", 0, *ring.head);
	pass();
}
