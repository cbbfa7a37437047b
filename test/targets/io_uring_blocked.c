/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that waits for completions, in a process that has a worker of the kernel's besides its own threads.
 * @needs: kernel>=5.16
 * @expect: restore
 * @varies: status.Threads
 */
#include "target.h"
#include "io_uring.h"
#include <pthread.h>

static struct ring ring;
static volatile int got;

static void *wait_for_completion(void *unused)
{
	(void)unused;
	while (syscall(SYS_io_uring_enter, ring.fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0) == -1)
		if (errno != EINTR) FAIL("waiting: %s", strerror(errno));
	got = (int)next(&ring).user_data;
	return NULL;
}

int main(void)
{
	pthread_t thread;
	char byte;
	int zero = MUST(open("/dev/zero", O_RDONLY));

	ring = make_ring(8, 0);
	struct io_uring_sqe *request = prepare(&ring, IORING_OP_READ, 1);
	request->flags = IOSQE_ASYNC;
	request->fd = zero;
	request->addr = (unsigned long)&byte;
	request->len = 1;
	submit(&ring, 1);
	CHECK_EQ("has read", 1, next(&ring).res);
	CHECK_EQ("started", 0, pthread_create(&thread, NULL, wait_for_completion, NULL));

	ready_and_wait();

	CHECK_EQ("no completion yet", 0, got);
	prepare(&ring, IORING_OP_NOP, 42);
	submit(&ring, 0);
	CHECK_EQ("joined", 0, pthread_join(thread, NULL));
	CHECK_EQ("completion", 42, got);
	pass();
}
