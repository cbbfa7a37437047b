/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An io_uring that is mapped, and no longer open.
 * @needs: kernel>=5.16
 * @expect: refuse an io_uring that is mapped, and no longer open, is not supported; remedy: unmap it
 */
#include "target.h"
#include "io_uring.h"

int main(void)
{
	struct ring ring = make_ring(64, 0);

	close(ring.fd);

	ready_and_wait();

	CHECK_EQ("requests", 0, *ring.head);
	pass();
}
