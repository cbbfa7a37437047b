/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An io_uring without an array, as newer liburing makes it, and one that has never been used.
 * @needs: kernel>=6.6
 * @expect: restore
 */
#include "target.h"
#include "io_uring.h"

int main(void)
{
	struct ring used = make_ring(64, IORING_SETUP_NO_SQARRAY);
	struct ring unused = make_ring(128, IORING_SETUP_NO_SQARRAY);
	struct ring small = make_ring(4, IORING_SETUP_NO_SQARRAY);

	do_nothing(&used, 70);
	do_nothing(&small, 3);

	ready_and_wait();

	CHECK_EQ("requests", 70, *used.head);
	do_nothing(&used, 70);
	CHECK_EQ("completions", 140, *used.done);
	do_nothing(&unused, 200);
	do_nothing(&small, 9);
	pass();
}
