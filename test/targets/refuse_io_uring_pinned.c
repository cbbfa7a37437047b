/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An io_uring with a registered buffer, of whose memory a part has been given back: the kernel goes on with the old page.
 * @needs: kernel>=6.13
 * @expect: refuse an io_uring with a registered buffer \(IORING_REGISTER_BUFFERS, number 1\) whose memory is mapped there no longer
 */
#include "target.h"

#include "io_uring.h"
#include <sys/uio.h>

int main(void)
{
	struct ring ring = make_ring(64, 0);
	char *memory = MUST(mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	struct iovec buffers[2] = {{memory, 4096}, {memory + 4096, 12288}};

	MUST(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, buffers, 2));
	MUST(madvise(memory + 8192, 4096, MADV_DONTNEED));
	memory[8192] = 1;

	ready_and_wait();

	do_nothing(&ring, 3);
	pass();
}
