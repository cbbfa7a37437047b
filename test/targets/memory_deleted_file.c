/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleted files that are mapped, with the descriptor closed: shared and private, on disk and tmpfs.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

#define LENGTH 65536ul

static unsigned char *map(const char *path, int flags, unsigned seed)
{
	static unsigned char buffer[LENGTH];
	int fd = MUST(open(path, O_RDWR | O_CREAT, 0600));
	fill(buffer, LENGTH, seed);
	CHECK_EQ("write", LENGTH, write(fd, buffer, LENGTH));
	unsigned char *at = MUST(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, flags, fd, 0));
	close(fd);
	MUST(unlink(path));
	return at;
}

static void verify(const char *what, unsigned char *at, unsigned seed)
{
	check_fill(what, at, LENGTH, seed);
	fill(at, LENGTH, seed + 1);
	check_fill(what, at, LENGTH, seed + 1);
}

int main(void)
{
	unsigned char *a = map("/data/gone-shared", MAP_SHARED, 1);
	unsigned char *b = map("/data/gone-private", MAP_PRIVATE, 2);
	unsigned char *c = map("/dev/shm/gone-shared", MAP_SHARED, 3);
	unsigned char *d = map("/dev/shm/gone-private", MAP_PRIVATE, 4);

	ready_and_wait();

	verify("shared, disk", a, 1);
	verify("private, disk", b, 2);
	verify("shared, tmpfs", c, 3);
	verify("private, tmpfs", d, 4);
	pass();
}
