/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An io_uring that two processes share, with completions that nobody has read and requests that are not submitted yet.
 * Its counts go on where they were: a program keeps its own.
 * @needs: kernel>=5.16
 * @expect: restore
 * @blind: warns what the kernel does not show of an io_uring is not kept where=pid 1 \(target\) fd \d+
 */
#include "target.h"
#include "io_uring.h"

#define UNREAD 100

static struct ring ring;
static int go[2];

static void child(void *unused)
{
	char byte;

	(void)unused;
	arrived();
	MUST(read(go[0], &byte, 1));
	ring.prepared = *ring.head;
	do_nothing(&ring, 10);
}

int main(void)
{
	char text[8] = "", more[8] = "";
	int file = MUST(open("/data/file", O_RDWR | O_CREAT | O_EXCL, 0600));

	MUST(write(file, "abcdefgh", 8));
	ring = make_ring(64, 0);
	do_nothing(&ring, 1000);
	for (int i = 0; i < UNREAD; i++) {
		prepare(&ring, IORING_OP_NOP, 5000 + i);
		if (i % 50 == 49) submit(&ring, 50);
	}
	struct io_uring_sqe *request = prepare(&ring, IORING_OP_READ, 77);
	request->fd = file;
	request->addr = (unsigned long)text;
	request->len = 4;
	MUST(pipe(go));
	pid_t pid = spawn(child, NULL);

	ready_and_wait();

	CHECK_EQ("requests", 1000 + UNREAD, *ring.head);
	CHECK_EQ("completions", 1000 + UNREAD, *ring.done);
	for (int i = 0; i < UNREAD; i++) CHECK_EQ("unread completion", 5000 + i, next(&ring).user_data);
	submit(&ring, 1);
	struct completion completion = next(&ring);
	CHECK_EQ("prepared", 77, completion.user_data);
	CHECK_EQ("has read", 4, completion.res);
	CHECK_STR("content", "abcd", text);
	request = prepare(&ring, IORING_OP_READ, 78);
	request->flags = IOSQE_IO_DRAIN | IOSQE_ASYNC;
	request->fd = file;
	request->off = 4;
	request->addr = (unsigned long)more;
	request->len = 4;
	submit(&ring, 1);
	CHECK_EQ("after all others", 4, next(&ring).res);
	CHECK_STR("content", "efgh", more);
	MUST(write(go[1], "a", 1));
	expect_exit(pid, 0);
	CHECK_EQ("requests of both", 1000 + UNREAD + 12, *ring.done);
	pass();
}
