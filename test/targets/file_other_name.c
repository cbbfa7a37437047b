/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files whose own name is gone while another one remains: beside it, and in another directory. Descriptors
 * show the other name after a restore.
 * @needs: none
 * @expect: restore
 * @varies: fds maps
 */
#include "target.h"
#include <sys/stat.h>

static int make(const char *path, const char *other)
{
	int fd = MUST(open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
	CHECK_EQ("write", 4, write(fd, "link", 4));
	MUST(link(path, other));
	MUST(unlink(path));
	return fd;
}

static void check(int fd, const char *path, const char *other)
{
	char text[8] = "";
	struct stat own, found;
	CHECK_EQ("position", 4, lseek(fd, 0, SEEK_CUR));
	CHECK_EQ("write", 2, pwrite(fd, "LI", 2, 0));
	int second = MUST(open(other, O_RDONLY));
	CHECK_EQ("read by the other name", 4, read(second, text, 4));
	CHECK_STR("the same file", "LInk", text);
	MUST(fstat(fd, &own));
	MUST(fstat(second, &found));
	CHECK_EQ("inode", found.st_ino, own.st_ino);
	CHECK_EQ("links", 1, own.st_nlink);
	CHECK(access(path, F_OK) == -1, "the first name stays away");
	MUST(close(second));
}

int main(void)
{
	MUST(mkdir("/data/below", 0700));
	MUST(mkdir("/data/below/further", 0700));
	int beside = make("/data/first", "/data/second"), apart = make("/data/third", "/data/below/further/fourth");
	int memory = make("/tmp/first", "/tmp/second");
	const char *mapped = MUST(mmap(NULL, 4096, PROT_READ, MAP_SHARED, apart, 0));

	ready_and_wait();

	check(beside, "/data/first", "/data/second");
	check(apart, "/data/third", "/data/below/further/fourth");
	check(memory, "/tmp/first", "/tmp/second");
	CHECK_EQ("seen in the mapping", 0, memcmp(mapped, "LInk", 4));
	pass();
}
