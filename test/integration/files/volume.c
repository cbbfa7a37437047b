/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of /vol that change behind the container's back, by its first argument:
 *   removed  they are removed or replaced while it has them open, mapped, as its directory
 *   log      one that it writes to without O_APPEND, and one that it reads
 *   secret   files that it has removed itself, and one that a restore will not find
 */
#include "../../targets/target.h"
#include <sys/stat.h>

#define CONTENT "the old content"
#define LENGTH (sizeof(CONTENT) - 1)

static void check_content(const char *what, int fd)
{
	char text[64] = "";
	struct stat st;
	MUST(fstat(fd, &st));
	CHECK_EQ(what, LENGTH, st.st_size);
	CHECK_EQ("links", 0, st.st_nlink);
	CHECK_EQ(what, LENGTH, pread(fd, text, sizeof(text) - 1, 0));
	CHECK_STR(what, CONTENT, text);
}

static void removed(void)
{
	char text[64];
	int plain = MUST(open("/vol/app.conf", O_RDONLY));
	int nofollow = MUST(open("/vol/app.conf", O_RDONLY | O_NOFOLLOW));
	int fifo = MUST(open("/vol/fifo", O_RDONLY | O_NONBLOCK));
	const char *mapped = MUST(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, plain, 0));
	MUST(lseek(plain, 4, SEEK_SET));
	MUST(chdir("/vol/folder"));

	ready_and_wait();

	CHECK_EQ("position", 4, lseek(plain, 0, SEEK_CUR));
	check_content("plain", plain);
	check_content("nofollow", nofollow);
	CHECK_EQ("O_NOFOLLOW", O_NOFOLLOW, fcntl(nofollow, F_GETFL) & O_NOFOLLOW);
	CHECK_EQ("mapped", 0, memcmp(mapped, CONTENT, LENGTH));
	CHECK_EQ("FIFO", 0, read(fifo, text, 1));
	CHECK(getcwd(text, sizeof(text)) == NULL && errno == ENOENT, "the directory is gone");
}

static void log_file(void)
{
	char text[64] = "";
	int writer = MUST(open("/vol/app.log", O_RDWR | O_CREAT, 0644));
	int reader = MUST(open("/vol/other.log", O_RDONLY));
	CHECK_EQ("write", 6, write(writer, "begin\n", 6));
	CHECK_EQ("read", 3, read(reader, text, 3));

	ready_and_wait();

	CHECK_EQ("position of the writer", 6, lseek(writer, 0, SEEK_CUR));
	CHECK_EQ("position of the reader", 3, lseek(reader, 0, SEEK_CUR));
	CHECK_EQ("what was written", 6, pread(writer, text, 6, 0));
	CHECK_EQ("what was written", 0, memcmp(text, "begin\n", 6));
}

static void secret(void)
{
	int fd = MUST(open("/data/secret", O_RDWR | O_CREAT | O_EXCL, 0644));
	CHECK_EQ("write", LENGTH, write(fd, CONTENT, LENGTH));
	MUST(mkfifo("/data/fifo", 0644));
	MUST(open("/data/fifo", O_RDWR));
	MUST(mkdir("/data/folder", 0755));
	MUST(chdir("/data/folder"));
	MUST(unlink("/data/secret"));
	MUST(unlink("/data/fifo"));
	MUST(rmdir("/data/folder"));
	MUST(open("/vol/app.conf", O_RDONLY));

	ready_and_wait();

	check_content("secret", fd);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	if (strcmp(mode, "removed") == 0) removed();
	else if (strcmp(mode, "log") == 0) log_file();
	else if (strcmp(mode, "secret") == 0) secret();
	else FAIL("no such mode: %s", mode);
	pass();
}
