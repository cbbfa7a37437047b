/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that never had a name (O_TMPFILE), on disk and tmpfs: content, positions, sharing; they can be given a
 * name afterwards. /proc shows another number in place of a name.
 * @needs: none
 * @expect: restore
 * @varies: fds maps
 */
#include "target.h"
#include <sys/stat.h>

#define LENGTH 30000

static int make(const char *folder, int flags, unsigned seed)
{
	static unsigned char buffer[LENGTH];
	int fd = open(folder, O_TMPFILE | flags, 0640);
	if (fd < 0 && errno == EOPNOTSUPP) SKIP("no O_TMPFILE here");
	CHECK(fd >= 0, folder);
	fill(buffer, LENGTH, seed);
	CHECK_EQ("write", LENGTH, write(fd, buffer, LENGTH));
	MUST(fchown(fd, 17, 18));
	MUST(lseek(fd, 77, SEEK_SET));
	return fd;
}

static int reopen(int fd, int flags)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return MUST(open(path, flags));
}

static void check(int fd, const char *name, int flags, unsigned seed)
{
	static unsigned char buffer[LENGTH];
	char path[64];
	struct stat status;
	CHECK_EQ("flags", flags | O_TMPFILE, fcntl(fd, F_GETFL) & ~0100000);
	CHECK_EQ("position", 77, lseek(fd, 0, SEEK_CUR));
	MUST(fstat(fd, &status));
	CHECK_EQ("links", 0, status.st_nlink);
	CHECK_EQ("mode", 0640, status.st_mode & 07777);
	CHECK_EQ("owner", 17, status.st_uid);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	MUST(linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW));
	int named = MUST(open(name, O_RDONLY));
	CHECK_EQ("size", LENGTH, read(named, buffer, LENGTH));
	check_fill(name, buffer, LENGTH, seed);
	close(named);
}

int main(void)
{
	char text[8] = "";
	int first = make("/data", O_RDWR, 1);
	int end = reopen(first, O_RDONLY);
	/* The end that was opened later has the lower number. */
	int disk = MUST(dup2(first, 20));
	MUST(close(first));
	int appending = make("/data", O_WRONLY | O_APPEND, 2), memory = make("/tmp", O_RDWR, 3);
	unsigned char *mapped = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0));
	MUST(lseek(end, 5, SEEK_SET));

	ready_and_wait();

	check(disk, "/data/one", O_RDWR, 1);
	check(appending, "/data/two", O_WRONLY | O_APPEND, 2);
	check(memory, "/tmp/three", O_RDWR, 3);
	CHECK_EQ("position of the other end", 5, lseek(end, 0, SEEK_CUR));
	CHECK_EQ("write", 3, pwrite(disk, "abc", 3, 0));
	CHECK_EQ("read by the other end", 3, pread(end, text, 3, 0));
	CHECK_STR("what it reads", "abc", text);
	CHECK(write(end, "x", 1) == -1 && errno == EBADF, "the other end is read only");
	mapped[0] = 'm';
	CHECK_EQ("read", 1, pread(memory, text, 1, 0));
	CHECK_EQ("what was written to the mapping", 'm', text[0]);
	pass();
}
