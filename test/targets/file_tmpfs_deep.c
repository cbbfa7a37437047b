/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file in a tmpfs of the spec so deep that its path is longer than PATH_MAX. It can be reached step by step.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/stat.h>

#define DEPTH 25
#define NAME_LENGTH 200

static void descend(int make)
{
	char name[NAME_LENGTH + 1];
	memset(name, 'd', NAME_LENGTH);
	name[NAME_LENGTH] = 0;
	MUST(chdir("/tmp"));
	for (int i = 0; i < DEPTH; i++) {
		if (make) MUST(mkdir(name, 0755));
		MUST(chdir(name));
	}
}

int main(void)
{
	descend(1);
	int fd = MUST(open("bottom", O_WRONLY | O_CREAT | O_EXCL, 0600));
	CHECK_EQ("write", 7, write(fd, "content", 7));
	close(fd);
	MUST(chdir("/"));

	ready_and_wait();

	descend(0);
	CHECK_STR("content", "content", slurp("bottom"));
	pass();
}
