/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular files: position, access mode and flags; close-on-exec; high and sparse descriptor numbers.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/stat.h>

static const int flags[] = {
	O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_APPEND, O_RDWR | O_NONBLOCK, O_RDONLY | O_CLOEXEC,
	O_RDWR | O_SYNC, O_RDONLY | O_NOATIME, O_RDONLY | O_NOFOLLOW,
};

#define COUNT (int)(sizeof(flags) / sizeof(flags[0]))
#define LENGTH 20000

static void make(const char *path)
{
	static unsigned char buffer[LENGTH];
	int fd = MUST(open(path, O_RDWR | O_CREAT, 0640));
	fill(buffer, LENGTH, 1);
	CHECK_EQ("write", LENGTH, write(fd, buffer, LENGTH));
	close(fd);
}

static void check(const char *path, int fd, int wanted, int position, int shown)
{
	unsigned char byte;
	struct stat by_fd, by_path;
	CHECK_EQ("flags", shown, fcntl(fd, F_GETFL));
	CHECK_EQ("close on exec", wanted & O_CLOEXEC ? FD_CLOEXEC : 0, fcntl(fd, F_GETFD));
	CHECK_EQ("position", position, lseek(fd, 0, SEEK_CUR));
	MUST(fstat(fd, &by_fd));
	MUST(stat(path, &by_path));
	CHECK(by_fd.st_ino == by_path.st_ino && by_fd.st_dev == by_path.st_dev, "the file at its path");
	if ((wanted & O_ACCMODE) != O_WRONLY) {
		CHECK_EQ("read", 1, read(fd, &byte, 1));
		CHECK_EQ("content", pattern_byte((size_t)position, 1), byte);
	} else {
		CHECK(read(fd, &byte, 1) == -1 && errno == EBADF, "not open for reading");
	}
	if ((wanted & O_ACCMODE) == O_RDONLY) CHECK(write(fd, "x", 1) == -1 && errno == EBADF, "read only");
	else CHECK_EQ("write", 1, write(fd, "x", 1));
	if (wanted & O_APPEND) CHECK(lseek(fd, 0, SEEK_CUR) > LENGTH, "appended at the end");
}

int main(void)
{
	static const char *paths[2] = {"/data/file", "/tmp/file"};
	int fds[2][COUNT], shown[2][COUNT];
	for (int p = 0; p < 2; p++) {
		make(paths[p]);
		for (int i = 0; i < COUNT; i++) {
			fds[p][i] = MUST(open(paths[p], flags[i]));
			shown[p][i] = fcntl(fds[p][i], F_GETFL);
			MUST(lseek(fds[p][i], 100 + i * 1000, SEEK_SET));
		}
	}
	int high = MUST(fcntl(fds[0][0], F_DUPFD_CLOEXEC, 900));
	int past = MUST(open("/data/file", O_RDONLY));
	MUST(lseek(past, 1l << 40, SEEK_SET));

	ready_and_wait();

	CHECK_EQ("the high descriptor shares its position", 100, lseek(high, 0, SEEK_CUR));
	CHECK_EQ("the high one closes on exec", FD_CLOEXEC, fcntl(high, F_GETFD));
	CHECK_EQ("a position past the end", 1l << 40, lseek(past, 0, SEEK_CUR));
	CHECK(fcntl(901, F_GETFD) == -1 && errno == EBADF, "no descriptor too many");
	for (int p = 0; p < 2; p++)
		for (int i = 0; i < COUNT; i++) check(paths[p], fds[p][i], flags[i], 100 + i * 1000, shown[p][i]);
	pass();
}
