/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An io_uring with a registered file that nothing else has open.
 * @needs: kernel>=6.13
 * @expect: refuse an io_uring with a registered file \(IORING_REGISTER_FILES, number 1\) that is open nowhere else is not supported; remedy: run it without
 */
#include "target.h"
#include "io_uring.h"

int main(void)
{
	struct ring ring = make_ring(64, 0);
	int files[2] = {0, MUST(open("/dev/null", O_RDWR))};

	MUST(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, files, 2));
	close(files[1]);

	ready_and_wait();

	do_nothing(&ring, 3);
	pass();
}
