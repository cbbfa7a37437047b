/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An io_uring that waits for a pipe.
 * @needs: kernel>=5.16
 * @expect: refuse its io_uring waits for 1 files; remedy: try again when it is idle
 */
#include "target.h"
#include "io_uring.h"
#include <poll.h>

int main(void)
{
	struct ring ring = make_ring(64, 0);
	int ends[2];

	MUST(pipe(ends));
	struct io_uring_sqe *request = prepare(&ring, IORING_OP_POLL_ADD, 9);
	request->fd = ends[0];
	request->poll32_events = POLLIN;
	submit(&ring, 0);

	ready_and_wait();

	MUST(write(ends[1], "a", 1));
	MUST(syscall(SYS_io_uring_enter, ring.fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	CHECK_EQ("completed", 9, next(&ring).user_data);
	pass();
}
