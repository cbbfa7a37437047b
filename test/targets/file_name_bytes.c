/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that are not UTF-8: of an open file, a deleted one, a FIFO, a directory, a memfd, the working directory and
 * the process.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/prctl.h>
#include <sys/stat.h>

static int make(const char *path)
{
	int fd = MUST(open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
	CHECK_EQ("write", 7, write(fd, "content", 7));
	return fd;
}

static void check(const char *what, int fd)
{
	char text[8] = "";
	CHECK_EQ(what, 7, lseek(fd, 0, SEEK_CUR));
	CHECK_EQ(what, 7, pread(fd, text, 7, 0));
	CHECK_STR(what, "content", text);
}

int main(void)
{
	char name[17] = "", cwd[64];
	MUST(mkdir("/data/d\xe9", 0755));
	MUST(mkfifo("/data/f\xe9", 0644));
	int plain = make("/data/caf\xe9"), removed = make("/data/gone\xff");
	int folder = MUST(open("/data/d\xe9", O_RDONLY | O_DIRECTORY));
	int fifo = MUST(open("/data/f\xe9", O_RDWR)), memory = MUST(memfd_create("m\xe9", 0));
	CHECK_EQ("write", 7, write(memory, "content", 7));
	MUST(unlink("/data/gone\xff"));
	MUST(chdir("/data/d\xe9"));
	MUST(prctl(PR_SET_NAME, "caf\xe9"));

	ready_and_wait();

	check("plain", plain);
	check("removed", removed);
	check("memfd", memory);
	CHECK_EQ("write to the FIFO", 1, write(fifo, "x", 1));
	MUST(fcntl(folder, F_GETFD));
	MUST(prctl(PR_GET_NAME, name));
	CHECK_STR("name", "caf\xe9", name);
	CHECK_STR("cwd", "/data/d\xe9", getcwd(cwd, sizeof(cwd)));
	pass();
}
