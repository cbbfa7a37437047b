/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An io_uring, its rings mapped.
 * @needs: kernel>=5.1
 * @expect: refuse an io_uring is not supported; remedy: run it without \(MariaDB: innodb-use-native-aio=0
 */
#include "target.h"
#include <linux/io_uring.h>
#include <sys/syscall.h>

int main(void)
{
	struct io_uring_params parameters = {0};
	int ring = (int)syscall(SYS_io_uring_setup, 8, &parameters);
	if (ring == -1) SKIP("this kernel gives no io_uring");
	size_t length = parameters.sq_off.array + parameters.sq_entries * sizeof(unsigned);
	unsigned char *rings = MUST(mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
					 IORING_OFF_SQ_RING));
	struct io_uring_sqe *entries = MUST(mmap(NULL, parameters.sq_entries * sizeof(struct io_uring_sqe),
						PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES));

	ready_and_wait();

	volatile unsigned *head = (unsigned *)(rings + parameters.sq_off.head);
	volatile unsigned *tail = (unsigned *)(rings + parameters.sq_off.tail);
	entries[0] = (struct io_uring_sqe){.opcode = IORING_OP_NOP, .user_data = 7};
	((unsigned *)(rings + parameters.sq_off.array))[0] = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	CHECK_EQ("submitted", 1, syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	CHECK_EQ("consumed", *tail, *head);
	pass();
}
