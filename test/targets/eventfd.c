/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eventfd: count, semaphore, flags, shared with a child.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <stdint.h>
#include <sys/eventfd.h>

static int shared;

static void child(void *arg)
{
	(void)arg;
	arrived();
	wait_for_go();
	MUST(eventfd_write(shared, 30));
}

static uint64_t take(int fd)
{
	uint64_t value = 0;
	MUST(eventfd_read(fd, &value));
	return value;
}

int main(void)
{
	int counter = MUST(eventfd(41, EFD_NONBLOCK | EFD_CLOEXEC)), empty = MUST(eventfd(0, EFD_NONBLOCK));
	int semaphore = MUST(eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK)), large = MUST(eventfd(0, 0));
	MUST(eventfd_write(counter, 1));
	MUST(eventfd_write(large, UINT64_MAX - 1));
	shared = MUST(eventfd(12, 0));
	pid_t pid = spawn(child, NULL);

	ready_and_wait();

	CHECK_EQ("count", 42, take(counter));
	CHECK(read(counter, &(uint64_t){0}, 8) == -1 && errno == EAGAIN, "taken at once");
	CHECK_EQ("close on exec", FD_CLOEXEC, fcntl(counter, F_GETFD));
	for (int i = 0; i < 3; i++) CHECK_EQ("semaphore", 1, take(semaphore));
	CHECK(read(semaphore, &(uint64_t){0}, 8) == -1 && errno == EAGAIN, "semaphore used up");
	CHECK(read(empty, &(uint64_t){0}, 8) == -1 && errno == EAGAIN, "empty");
	CHECK_EQ("largest", (long long)(UINT64_MAX - 1), take(large));
	finish(pid);
	CHECK_EQ("count with the child's share", 42, take(shared));
	pass();
}
