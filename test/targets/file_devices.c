/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Character devices every container has: null, zero, full, random, urandom.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const char *paths[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/random"};
static const unsigned minors[] = {3, 5, 7, 9, 8};

int main(void)
{
	int fds[5];
	unsigned char bytes[64], other[64];
	struct stat status;
	for (int i = 0; i < 5; i++) fds[i] = MUST(open(paths[i], i == 4 ? O_RDONLY | O_NONBLOCK : O_RDWR));
	unsigned char *zero = MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fds[1], 0));
	fill(zero, 4096, 1);

	ready_and_wait();

	for (int i = 0; i < 5; i++) {
		MUST(fstat(fds[i], &status));
		CHECK(S_ISCHR(status.st_mode), paths[i]);
		CHECK_EQ(paths[i], makedev(1, minors[i]), status.st_rdev);
	}
	CHECK_EQ("write to null", 3, write(fds[0], "abc", 3));
	CHECK_EQ("read of null", 0, read(fds[0], bytes, 1));
	memset(bytes, 1, sizeof(bytes));
	CHECK_EQ("read of zero", 64, read(fds[1], bytes, 64));
	check_zero("zeros", bytes, 64);
	CHECK(write(fds[2], "x", 1) == -1 && errno == ENOSPC, "full is full");
	CHECK_EQ("read of urandom", 64, read(fds[3], bytes, 64));
	CHECK_EQ("read of urandom", 64, read(fds[3], other, 64));
	CHECK(memcmp(bytes, other, 64) != 0, "urandom is random");
	check_fill("private mapping of zero", zero, 4096, 1);
	check_zero("its untouched page", zero + 4096, 4096);
	pass();
}
