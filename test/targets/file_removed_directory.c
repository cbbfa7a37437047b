/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removed directories: as a working directory, open, with the directories above them gone too; and a
 * removed file that was in one.
 * @needs: none
 * @expect: restore
 * @varies: cwd fds
 */
#include "target.h"
#include <sys/stat.h>

static void check_removed(const char *what, int fd)
{
	struct stat status;
	MUST(fstat(fd, &status));
	CHECK(S_ISDIR(status.st_mode), what);
	CHECK_EQ(what, 0, status.st_nlink);
	CHECK_EQ("mode", 0711, status.st_mode & 0777);
	CHECK_EQ("owner", 17, status.st_uid);
	CHECK(openat(fd, "file", O_CREAT | O_RDWR, 0600) == -1 && errno == ENOENT, "nothing is made in it");
}

static void make(const char *path)
{
	MUST(mkdir(path, 0700));
	MUST(chmod(path, 0711));
	MUST(chown(path, 17, 18));
}

int main(void)
{
	char text[256];
	make("/data/top");
	make("/data/top/here");
	make("/tmp/open");
	int file = MUST(open("/data/top/here/file", O_RDWR | O_CREAT, 0600));
	CHECK_EQ("write", 4, write(file, "text", 4));
	MUST(unlink("/data/top/here/file"));
	MUST(chdir("/data/top/here"));
	int fd = MUST(open("/tmp/open", O_RDONLY | O_DIRECTORY));
	MUST(rmdir("/data/top/here"));
	MUST(rmdir("/data/top"));
	MUST(rmdir("/tmp/open"));

	ready_and_wait();

	CHECK(getcwd(text, sizeof(text)) == NULL && errno == ENOENT, "the working directory has no name");
	check_removed("working directory", MUST(open(".", O_RDONLY | O_DIRECTORY)));
	check_removed("open directory", fd);
	CHECK_EQ("read", 4, pread(file, text, 4, 0));
	CHECK_EQ("content", 0, memcmp(text, "text", 4));
	CHECK(access("/data/top", F_OK) == -1 && access("/tmp/open", F_OK) == -1, "nothing is back");
	/* 2: only its own name and `.` count */
	struct stat data;
	MUST(stat("/data", &data));
	CHECK_EQ("links of /data", 2, data.st_nlink);
	pass();
}
