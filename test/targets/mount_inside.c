/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file system the container has mounted itself, with content.
 * @needs: cap:SYS_ADMIN
 * @expect: refuse mount
 */
#include "target.h"
#include <sys/mount.h>

int main(void)
{
	MUST(mount("own", "/data", "tmpfs", MS_NOSUID, "size=1m"));
	int fd = MUST(open("/data/file", O_RDWR | O_CREAT, 0600));
	CHECK_EQ("write", 4, write(fd, "here", 4));

	ready_and_wait();

	CHECK_STR("content", "here", slurp("/data/file"));
	CHECK(strstr(slurp("/proc/self/mounts"), "own /data tmpfs") != NULL, "the mount");
	pass();
}
