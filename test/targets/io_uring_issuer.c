/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_urings that only one thread may use: the first of a child, and the second of this process, which has a file, an eventfd
 * and a descriptor registered.
 * @needs: kernel>=6.13
 * @expect: restore
 * @blind: refuse an io_uring that only one thread may use \(IORING_SETUP_SINGLE_ISSUER\) is not supported
 */
#include "target.h"
#include "io_uring.h"
#include <pthread.h>
#include <sys/eventfd.h>

#define PLACE 3

static struct ring ring, own;
static int go[2], out[2], event;
static pthread_barrier_t made, used;

static void child(void *unused)
{
	char byte;

	(void)unused;
	own = make_ring(16, IORING_SETUP_SINGLE_ISSUER);
	do_nothing(&own, 5);
	arrived();
	MUST(read(go[0], &byte, 1));
	do_nothing(&own, 5);
	CHECK_EQ("completions", 10, *own.done);
}

static void *issue(void *unused)
{
	unsigned long count = 0;
	struct io_uring_rsrc_update place = {.offset = PLACE};

	ring = make_ring(8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	place.data = (unsigned long)ring.fd;
	MUST(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES, &out[1], 1));
	MUST(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_EVENTFD, &event, 1));
	CHECK_EQ("registered", 1, syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_RING_FDS, &place, 1));
	do_nothing(&ring, 20);
	MUST(read(event, &count, 8));
	pthread_barrier_wait(&made);
	pthread_barrier_wait(&used);

	do_nothing(&ring, 2);
	CHECK_EQ("told", 8, read(event, &count, 8));
	CHECK_EQ("times", 2, count);
	struct io_uring_sqe *request = prepare(&ring, IORING_OP_WRITE, 7);
	request->flags = IOSQE_FIXED_FILE;
	request->addr = (unsigned long)"abc";
	request->len = 3;
	__atomic_store_n(ring.tail, ring.prepared, __ATOMIC_RELEASE);
	CHECK_EQ("by its registered descriptor", 1,
		 syscall(SYS_io_uring_enter, PLACE, 1, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_REGISTERED_RING, NULL,
			 0));
	CHECK_EQ("written", 3, next(&ring).res);
	return unused;
}

int main(void)
{
	pthread_t thread;
	char text[4] = "";

	MUST(pipe(go));
	MUST(pipe(out));
	event = MUST(eventfd(0, EFD_NONBLOCK));
	pthread_barrier_init(&made, NULL, 2);
	pthread_barrier_init(&used, NULL, 2);
	pthread_create(&thread, NULL, issue, NULL);
	pthread_barrier_wait(&made);
	pid_t pid = spawn(child, NULL);

	ready_and_wait();

	unsigned long count = 0;
	CHECK_EQ("told of nothing", -1, read(event, &count, 8));
	CHECK_EQ("from another thread", -1, syscall(SYS_io_uring_enter, ring.fd, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0));
	CHECK_EQ("why", EEXIST, errno);
	pthread_barrier_wait(&used);
	pthread_join(thread, NULL);
	MUST(read(out[0], text, 3));
	CHECK_STR("written", "abc", text);
	MUST(write(go[1], "a", 1));
	expect_exit(pid, 0);
	pass();
}
