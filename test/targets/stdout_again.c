/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stdout can be opened once more by its name, by the user that the container runs as: log files of many images
 * link to it. It belongs to that user; a pipe belongs to whomever an entrypoint that runs as root has given it.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/stat.h>

static void open_again(int fd)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int again = open(path, O_WRONLY);
	if (again == -1) FAIL("open %s: %s", path, strerror(errno));
	close(again);
}

int main(void)
{
	char link[64] = "";
	struct stat before, after;
	MUST(readlink("/proc/self/fd/1", link, sizeof(link) - 1));
	int is_pipe = strncmp(link, "pipe:", 5) == 0;
	if (is_pipe && geteuid() == 0) {
		MUST(fchown(1, 7, 8));
		MUST(fchmod(1, 0620));
	} else {
		MUST(fstat(1, &before));
		CHECK_EQ("owner at the start", geteuid(), before.st_uid);
	}
	MUST(fstat(1, &before));
	open_again(1);

	ready_and_wait();

	MUST(fstat(1, &after));
	CHECK_EQ("owner", before.st_uid, after.st_uid);
	if (is_pipe) {
		CHECK_EQ("group", before.st_gid, after.st_gid);
		CHECK_EQ("mode", before.st_mode, after.st_mode);
	}
	open_again(1);
	open_again(2);
	pass();
}
