/* SPDX-License-Identifier: Apache-2.0 */
/* An io_uring by its bare interface, with its counts kept apart as liburing keeps them. */
#ifndef IO_URING_TARGET_H
#define IO_URING_TARGET_H
#include <linux/io_uring.h>
#include <sys/syscall.h>

#ifndef IORING_SETUP_NO_SQARRAY
#define IORING_SETUP_NO_SQARRAY (1u << 16)
#endif

struct ring {
	int fd;
	unsigned entries, prepared;
	volatile unsigned *head, *tail, *array, *done, *seen;
	unsigned mask, done_mask;
	struct io_uring_sqe *requests;
	struct io_uring_cqe *completions;
};

static inline int setup(unsigned entries, struct io_uring_params *params)
{
	return (int)syscall(SYS_io_uring_setup, entries, params);
}

static inline struct ring make_ring(unsigned entries, unsigned flags)
{
	struct io_uring_params params = {.flags = flags};
	struct ring ring = {.fd = setup(entries, &params), .entries = params.sq_entries};

	if (ring.fd == -1) SKIP("this kernel gives no such io_uring");
	size_t length = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
	if (!(flags & IORING_SETUP_NO_SQARRAY)) length = params.sq_off.array + params.sq_entries * sizeof(unsigned);
	unsigned char *rings = MUST(
		mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQ_RING));
	ring.requests = MUST(mmap(NULL, params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQES));
	ring.head = (unsigned *)(rings + params.sq_off.head);
	ring.tail = (unsigned *)(rings + params.sq_off.tail);
	ring.seen = (unsigned *)(rings + params.cq_off.head);
	ring.done = (unsigned *)(rings + params.cq_off.tail);
	ring.completions = (struct io_uring_cqe *)(rings + params.cq_off.cqes);
	ring.mask = params.sq_entries - 1;
	ring.done_mask = params.cq_entries - 1;
	if (flags & IORING_SETUP_NO_SQARRAY) return ring;
	ring.array = (unsigned *)(rings + params.sq_off.array);
	for (unsigned i = 0; i < params.sq_entries; i++) ring.array[i] = i;
	return ring;
}

/* A request that is not submitted yet. */
static inline struct io_uring_sqe *prepare(struct ring *ring, unsigned char opcode, unsigned long data)
{
	struct io_uring_sqe *request = &ring->requests[ring->prepared++ & ring->mask];
	*request = (struct io_uring_sqe){.opcode = opcode, .user_data = data};
	return request;
}

/* Submits what is prepared, and waits for so many completions. */
static inline void submit(struct ring *ring, unsigned wait)
{
	unsigned count = ring->prepared - *ring->head;
	__atomic_store_n(ring->tail, ring->prepared, __ATOMIC_RELEASE);
	CHECK_EQ("submitted", count,
		 syscall(SYS_io_uring_enter, ring->fd, count, wait, wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0));
	CHECK_EQ("taken", ring->prepared, *ring->head);
}

struct completion {
	unsigned long user_data;
	int res;
};

/* The next completion, which has to be there. */
static inline struct completion next(struct ring *ring)
{
	unsigned seen = *ring->seen;
	if (seen == __atomic_load_n(ring->done, __ATOMIC_ACQUIRE)) FAIL("no completion");
	struct io_uring_cqe *found = &ring->completions[seen & ring->done_mask];
	struct completion completion = {found->user_data, found->res};
	__atomic_store_n(ring->seen, seen + 1, __ATOMIC_RELEASE);
	return completion;
}

/* So many requests that do nothing, and their completions. */
static inline void do_nothing(struct ring *ring, unsigned count)
{
	for (; count > 0; count--) {
		prepare(ring, IORING_OP_NOP, count);
		submit(ring, 1);
		CHECK_EQ("completed", count, next(ring).user_data);
	}
}
#endif
