/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content of the container's tmpfs mounts: files, directories, links, modes, owners, times, holes,
 * hard links, a FIFO.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/stat.h>

static void put(const char *path, const char *text, mode_t mode)
{
	int fd = MUST(open(path, O_WRONLY | O_CREAT | O_EXCL, mode));
	CHECK_EQ(path, strlen(text), write(fd, text, strlen(text)));
	MUST(fchmod(fd, mode));
	close(fd);
}

static struct stat look(const char *path)
{
	struct stat status;
	if (lstat(path, &status) == -1) FAIL("%s: %s", path, strerror(errno));
	return status;
}

static void build(void)
{
	MUST(mkdir("/tmp/a", 0710));
	MUST(mkdir("/tmp/a/b", 0755));
	MUST(chmod("/tmp/a/b", 03777));
	put("/tmp/a/b/file", "hello\n", 04751);
	put("/dev/shm/file", "shm\n", 0600);
	put("/run/file", "run\n", 0644);
	MUST(chown("/tmp/a", 11, 12));
	MUST(link("/tmp/a/b/file", "/tmp/hard"));
	MUST(symlink("a/b/file", "/tmp/soft"));
	MUST(lchown("/tmp/soft", 21, 22));
	MUST(mkfifo("/run/fifo", 0620));
	put("/tmp/empty", "", 0400);
	int sparse = MUST(open("/tmp/sparse", O_RDWR | O_CREAT, 0600));
	CHECK_EQ("pwrite", 3, pwrite(sparse, "end", 3, 16 << 20));
	close(sparse);
	struct timespec times[2] = {{1000000000, 123456789}, {1100000000, 987654321}};
	MUST(utimensat(AT_FDCWD, "/tmp/a/b/file", times, 0));
	MUST(utimensat(AT_FDCWD, "/tmp/a", times, 0));
}

static void verify(void)
{
	struct stat file = look("/tmp/a/b/file"), folder = look("/tmp/a"), soft = look("/tmp/soft");
	char target[32] = "", text[4] = "";
	CHECK_EQ("mode of a directory", 0710, folder.st_mode & 07777);
	CHECK_EQ("owner of a directory", 11, folder.st_uid);
	CHECK_EQ("group of a directory", 12, folder.st_gid);
	CHECK_EQ("time of a directory", 1100000000, folder.st_mtim.tv_sec);
	CHECK_EQ("mode of the inner directory", 03777, look("/tmp/a/b").st_mode & 07777);
	CHECK_STR("content", "hello\n", slurp("/tmp/a/b/file"));
	CHECK_EQ("mode of the file", 04751, file.st_mode & 07777);
	CHECK_EQ("time of the file", 1100000000, file.st_mtim.tv_sec);
	CHECK_EQ("its nanoseconds", 987654321, file.st_mtim.tv_nsec);
	CHECK_EQ("links", 2, file.st_nlink);
	CHECK_EQ("a hard link", file.st_ino, look("/tmp/hard").st_ino);
	CHECK_EQ("a soft link", 8, readlink("/tmp/soft", target, sizeof(target)));
	CHECK_STR("its target", "a/b/file", target);
	CHECK_EQ("its owner", 21, soft.st_uid);
	CHECK(S_ISFIFO(look("/run/fifo").st_mode), "a FIFO");
	CHECK_EQ("its mode", 0620, look("/run/fifo").st_mode & 07777);
	CHECK_STR("/dev/shm", "shm\n", slurp("/dev/shm/file"));
	CHECK_STR("/run", "run\n", slurp("/run/file"));
	CHECK_EQ("an empty file", 0, look("/tmp/empty").st_size);
	CHECK_EQ("size of a sparse file", (16 << 20) + 3, look("/tmp/sparse").st_size);
	CHECK(look("/tmp/sparse").st_blocks < 100, "it is sparse");
	int sparse = MUST(open("/tmp/sparse", O_RDONLY));
	CHECK_EQ("its end", 3, pread(sparse, text, 3, 16 << 20));
	CHECK_STR("text at its end", "end", text);
	CHECK(access("/dev/null", R_OK) == 0, "/dev is as it was");
}

int main(void)
{
	umask(0);
	build();
	verify();

	ready_and_wait();

	verify();
	pass();
}
