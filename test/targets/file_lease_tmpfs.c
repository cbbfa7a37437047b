/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases on files of a tmpfs that the spec mounts: their content is saved, and they are not broken.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

static int lease(const char *path, int flags, int type)
{
	int fd = MUST(open(path, O_RDWR | O_CREAT | O_EXCL, 0600));

	MUST(write(fd, "content", 7));
	close(fd);
	fd = MUST(open(path, flags));
	MUST(fcntl(fd, F_SETLEASE, type));
	return fd;
}

int main(void)
{
	char text[8] = "";
	sigset_t broken;

	sigemptyset(&broken);
	sigaddset(&broken, SIGIO);
	MUST(sigprocmask(SIG_BLOCK, &broken, NULL));
	int writing = lease("/tmp/write", O_RDWR, F_WRLCK), reading = lease("/tmp/read", O_RDONLY, F_RDLCK);
	MUST(lseek(writing, 3, SEEK_SET));

	ready_and_wait();

	CHECK_EQ("is not being broken", -1, sigtimedwait(&broken, NULL, &(struct timespec){0}));
	CHECK_EQ("a lease for writing", F_WRLCK, fcntl(writing, F_GETLEASE));
	CHECK_EQ("a lease for reading", F_RDLCK, fcntl(reading, F_GETLEASE));
	CHECK_EQ("position", 3, lseek(writing, 0, SEEK_CUR));
	CHECK_EQ("rest", 4, read(writing, text, 8));
	CHECK_STR("content", "tent", text);
	CHECK_EQ("size", 7, read(reading, text, 8));
	pass();
}
