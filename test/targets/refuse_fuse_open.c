/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open file of a FUSE file system that is no longer mounted, and that a process of the container serves.
 * @needs: cap:SYS_ADMIN
 * @expect: refuse pid 1 \(target\) fd \d+ \(/file\): has not answered for 10 s.*remedy: close
 */
#include "fuse.h"

int main(void)
{
	fuse_mount("/data/fuse");
	int fd = MUST(open("/data/fuse/file", O_RDONLY));
	MUST(umount2("/data/fuse", MNT_DETACH));

	ready_and_wait();

	char byte;
	CHECK_EQ("read", 1, pread(fd, &byte, 1, 0));
	CHECK_EQ("content", 'f', byte);
	pass();
}
