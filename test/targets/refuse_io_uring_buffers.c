/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An io_uring with a group of buffers.
 * @needs: kernel>=6.0
 * @expect: refuse an io_uring with a group of buffers \(300\) is not supported; remedy: run it without
 */
#include "target.h"
#include "io_uring.h"

int main(void)
{
	struct ring ring = make_ring(64, 0);
	void *buffers = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	struct io_uring_buf_reg group = {.ring_addr = (unsigned long)buffers, .ring_entries = 8, .bgid = 300};

	MUST(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_PBUF_RING, &group, 1));

	ready_and_wait();

	do_nothing(&ring, 3);
	MUST(syscall(SYS_io_uring_register, ring.fd, IORING_UNREGISTER_PBUF_RING, &group, 1));
	pass();
}
