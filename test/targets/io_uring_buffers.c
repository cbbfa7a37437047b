/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registered buffers of io_urings: private memory over several pages and a part of one, huge pages, memory that is shared with a
 * child, an empty place, a tag; of one that only a thread may use; of a child's, whose memory is its own since the fork.
 * @needs: kernel>=6.13
 * @expect: restore
 * @blind: refuse an io_uring with registered buffers \(IORING_REGISTER_BUFFERS\) is not supported; remedy: run it without
 */
#include "target.h"

#include "io_uring.h"
#include <pthread.h>
#include <sys/uio.h>

#define HUGE (2ul << 20)
#define TAG 77

static struct ring ring, own, childs;
static int file, go[2];
static char small[300], childs_own[8192] __attribute__((aligned(4096)));
static char *large, *huge, *shared;
static pthread_barrier_t made, used;

static void *memory(size_t bytes, int flags)
{
	return MUST(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0));
}

/* Reads a part of the file into a registered buffer, or writes one to it. */
static int move(struct ring *by, unsigned char opcode, int index, char *at, unsigned length)
{
	struct io_uring_sqe *request = prepare(by, opcode, 1);

	request->fd = file;
	request->buf_index = (unsigned short)index;
	request->addr = (unsigned long)at;
	request->len = length;
	request->off = 100;
	submit(by, 1);
	return next(by).res;
}

static void register_all(struct ring *by, struct iovec *buffers, unsigned count, unsigned long *tags)
{
	struct io_uring_rsrc_register table = {
		.nr = count, .data = (unsigned long)buffers, .tags = (unsigned long)tags};
	MUST(syscall(SYS_io_uring_register, by->fd, IORING_REGISTER_BUFFERS2, &table, sizeof(table)));
}

static void check(struct ring *by, int index, char *at, unsigned length)
{
	for (unsigned i = 0; i < length; i++) at[i] = (char)pattern_byte(i, (unsigned)index);
	CHECK_EQ("written", (long)length, move(by, IORING_OP_WRITE_FIXED, index, at, length));
	memset(at, 0, length);
	CHECK_EQ("read", (long)length, move(by, IORING_OP_READ_FIXED, index, at, length));
	for (unsigned i = 0; i < length; i++) CHECK_EQ("byte", (char)pattern_byte(i, (unsigned)index), at[i]);
}

static void child(void *unused)
{
	char byte;
	struct iovec buffer = {childs_own, sizeof(childs_own)};

	(void)unused;
	childs = make_ring(8, 0);
	register_all(&childs, &buffer, 1, NULL);
	childs_own[5] = 'c';
	arrived();
	MUST(read(go[0], &byte, 1));
	CHECK_EQ("content", 'c', childs_own[5]);
	check(&childs, 0, childs_own + 10, 8000);
	CHECK_EQ("shared", 's', shared[0]);
}

static void *issue(void *unused)
{
	struct iovec buffer = {large + 8192, 4096};

	own = make_ring(8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	register_all(&own, &buffer, 1, NULL);
	pthread_barrier_wait(&made);
	pthread_barrier_wait(&used);
	check(&own, 0, large + 8192, 4096);
	return unused;
}

int main(void)
{
	pthread_t thread;

	MUST(pipe(go));
	file = MUST(open("/data/file", O_RDWR | O_CREAT | O_EXCL, 0600));
	large = memory(10 * 4096, MAP_PRIVATE);
	shared = memory(4096, MAP_SHARED);
	huge = memory(2 * HUGE, MAP_PRIVATE);
	huge = (char *)(((unsigned long)huge + HUGE - 1) & ~(HUGE - 1));
	madvise(huge, HUGE, MADV_HUGEPAGE);
	huge[0] = 1;
	pthread_barrier_init(&made, NULL, 2);
	pthread_barrier_init(&used, NULL, 2);
	pthread_create(&thread, NULL, issue, NULL);
	pthread_barrier_wait(&made);
	ring = make_ring(8, 0);
	struct iovec buffers[5] = {
		{large + 100, 5 * 4096}, {small + 1, 200}, {NULL, 0}, {huge + 4096 + 8, HUGE - 8192}, {shared, 4096}};
	unsigned long tags[5] = {[1] = TAG};
	register_all(&ring, buffers, 5, tags);
	pid_t pid = spawn(child, NULL);
	do_nothing(&ring, 20);
	memset(large, 'l', 10 * 4096);
	shared[0] = 's';

	ready_and_wait();

	CHECK_EQ("content", 'l', large[5 * 4096]);
	CHECK_EQ("shared", 's', shared[0]);
	check(&ring, 0, large + 100, 5 * 4096);
	check(&ring, 1, small + 1, 200);
	CHECK_EQ("nothing there", -EFAULT, move(&ring, IORING_OP_READ_FIXED, 2, large, 10));
	check(&ring, 3, huge + 4096 + 8, HUGE - 8192);
	CHECK_EQ("only what is registered", -EFAULT, move(&ring, IORING_OP_READ_FIXED, 1, small, 200));
	pthread_barrier_wait(&used);
	pthread_join(thread, NULL);
	MUST(write(go[1], "a", 1));
	expect_exit(pid, 0);
	check(&ring, 4, shared, 4096);
	struct iovec nothing = {NULL, 0};
	struct io_uring_rsrc_update2 change = {.offset = 1, .data = (unsigned long)&nothing, .nr = 1};
	CHECK_EQ("changed", 1,
		 syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS_UPDATE, &change, sizeof(change)));
	CHECK_EQ("tag", TAG, next(&ring).user_data);
	pass();
}
