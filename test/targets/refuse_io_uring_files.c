/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An io_uring with registered files.
 * @needs: kernel>=5.16
 * @expect: refuse an io_uring with registered files \(IORING_REGISTER_FILES\) is not supported; remedy: run it without
 */
#include "target.h"
#include "io_uring.h"

int main(void)
{
	struct ring ring = make_ring(64, 0);
	int file = 0;

	MUST(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &file, 1));

	ready_and_wait();

	do_nothing(&ring, 3);
	pass();
}
