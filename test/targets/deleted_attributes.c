/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes of files without a name: times to the nanosecond, before 1970 too,
 * owner, mode, extended attributes. Of files on disk and tmpfs, of a directory,
 * a FIFO, an O_TMPFILE, and a memfd.
 * @needs: cap:SYS_ADMIN
 * @expect: restore
 * @varies: fds
 */
#include "target.h"
#include <sys/stat.h>
#include <sys/xattr.h>

static const struct timespec times[] = { { 1000000000, 123456789 }, { -5, 999999999 } };
static const char attribute[] = "trusted.mvas";
static int isMapped;

static int attributes(int fd)
{
	MUST(fchown(fd, 12, 34));
	MUST(fchmod(fd, 02751));
	/* Root of a user namespace may not. */
	if (fsetxattr(fd, attribute, "va\0lue", 6, 0) == -1) {
		CHECK_EQ(attribute, EPERM, errno);
		isMapped = 1;
	}
	MUST(futimens(fd, times));
	return fd;
}

static int content(int fd)
{
	CHECK_EQ("write", 7, write(fd, "content", 7));
	return attributes(fd);
}

static int deleted(const char *path)
{
	int fd = content(MUST(open(path, O_RDWR | O_CREAT | O_EXCL, 0600)));
	MUST(unlink(path));
	return fd;
}

static int folder(const char *path)
{
	MUST(mkdir(path, 0700));
	int fd = attributes(MUST(open(path, O_RDONLY | O_DIRECTORY)));
	MUST(rmdir(path));
	return fd;
}

static int fifo(const char *path)
{
	MUST(mkfifo(path, 0600));
	int fd = attributes(MUST(open(path, O_RDONLY | O_NONBLOCK)));
	MUST(unlink(path));
	return fd;
}

static void check(int which, int fd)
{
	char name[32], value[16];
	struct stat status;
	snprintf(name, sizeof(name), "file %d", which);
	MUST(fstat(fd, &status));
	CHECK_EQ(name, times[0].tv_sec, status.st_atim.tv_sec);
	CHECK_EQ(name, times[0].tv_nsec, status.st_atim.tv_nsec);
	CHECK_EQ(name, times[1].tv_sec, status.st_mtim.tv_sec);
	CHECK_EQ(name, times[1].tv_nsec, status.st_mtim.tv_nsec);
	CHECK_EQ(name, 12, status.st_uid);
	CHECK_EQ(name, 34, status.st_gid);
	CHECK_EQ(name, 02751, status.st_mode & 07777);
	if (isMapped) return;
	CHECK_EQ(name, 6, fgetxattr(fd, attribute, value, sizeof(value)));
	CHECK(memcmp(value, "va\0lue", 6) == 0, name);
}

int main(void)
{
	int fds[] = { deleted("/data/gone"),
		      deleted("/tmp/gone"),
		      folder("/data/folder"),
		      fifo("/tmp/fifo"),
		      content(MUST(open("/tmp", O_TMPFILE | O_RDWR, 0600))),
		      content(MUST(memfd_create("memory", 0))) };

	ready_and_wait();

	for (int i = 0; i < 6; i++)
		check(i, fds[i]);
	pass();
}
