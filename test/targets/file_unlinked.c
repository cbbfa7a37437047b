/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unlinked files with content, on disk and tmpfs; sharing.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/stat.h>

#define LENGTH 30000

static int make(const char *path, unsigned seed)
{
	static unsigned char buffer[LENGTH];
	int fd = MUST(open(path, O_RDWR | O_CREAT | O_EXCL, 0604));
	fill(buffer, LENGTH, seed);
	CHECK_EQ("write", LENGTH, write(fd, buffer, LENGTH));
	MUST(lseek(fd, 1234, SEEK_SET));
	MUST(fchown(fd, 17, 18));
	MUST(unlink(path));
	return fd;
}

static void check(const char *what, int fd, unsigned seed, int links)
{
	static unsigned char buffer[LENGTH];
	struct stat status;
	CHECK_EQ("position", 1234, lseek(fd, 0, SEEK_CUR));
	CHECK_EQ(what, LENGTH, pread(fd, buffer, LENGTH, 0));
	check_fill(what, buffer, LENGTH, seed);
	MUST(fstat(fd, &status));
	CHECK_EQ("links", links, status.st_nlink);
	CHECK_EQ("mode", 0604, status.st_mode & 0777);
	CHECK_EQ("owner", 17, status.st_uid);
	CHECK_EQ("group", 18, status.st_gid);
	CHECK_EQ("size", LENGTH, status.st_size);
}

int main(void)
{
	int disk = make("/data/gone", 1), memory = make("/tmp/gone", 2), copy = dup(memory);
	int again = MUST(open("/proc/self/fd/3", O_RDONLY)); /* another open of the first */
	CHECK_EQ("the first descriptor", 3, disk);

	ready_and_wait();

	check("disk", disk, 1, 0);
	check("memory", memory, 2, 0);
	CHECK_EQ("write", 3, pwrite(disk, "abc", 3, 0));
	char text[8] = "";
	CHECK_EQ("read by the other open file", 3, read(again, text, 3));
	CHECK_STR("what it reads", "abc", text);
	CHECK(write(again, "x", 1) == -1 && errno == EBADF, "the other is read only");
	MUST(lseek(memory, 5, SEEK_SET));
	CHECK_EQ("shared position", 5, lseek(copy, 0, SEEK_CUR));
	CHECK(access("/data/gone", F_OK) == -1 && access("/tmp/gone", F_OK) == -1, "no name is left");
	pass();
}
