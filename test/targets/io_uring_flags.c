/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flags of io_urings: one goes on after requests that are wrong, another does not; completions of two sizes.
 * @needs: kernel>=6.18
 * @expect: restore
 */
#include "target.h"
#include "io_uring.h"

#define SETUP_CQE_MIXED (1u << 18)
#define NOP_CQE32 (1u << 5)
#define CQE_F_32 (1u << 15)
#define WRONG 255

static long submit_wrong(struct ring *ring)
{
	prepare(ring, WRONG, 1);
	prepare(ring, IORING_OP_NOP, 2);
	__atomic_store_n(ring->tail, ring->prepared, __ATOMIC_RELEASE);
	return syscall(SYS_io_uring_enter, ring->fd, 2, 0, 0, NULL, 0);
}

int main(void)
{
	struct ring plain = make_ring(8, 0), all = make_ring(8, IORING_SETUP_SUBMIT_ALL);
	struct ring mixed = make_ring(8, SETUP_CQE_MIXED | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG);

	do_nothing(&plain, 10);
	do_nothing(&all, 10);
	do_nothing(&mixed, 3);

	ready_and_wait();

	CHECK_EQ("up to the wrong one", 1, submit_wrong(&plain));
	CHECK_EQ("all", 2, submit_wrong(&all));
	struct io_uring_sqe *request = prepare(&mixed, IORING_OP_NOP, 5);
	request->rw_flags = NOP_CQE32;
	submit(&mixed, 1);
	CHECK_EQ("of the larger size", CQE_F_32, mixed.completions[3 & mixed.done_mask].flags & CQE_F_32);
	CHECK_EQ("counts for two", 5, *mixed.done);
	pass();
}
