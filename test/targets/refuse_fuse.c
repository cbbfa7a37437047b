/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FUSE file system that a process of the container serves: nothing in it answers while that process stands
 * still.
 * @needs: cap:SYS_ADMIN
 * @expect: refuse pid \d+ \(target\) fd \d+: serves a FUSE file system.*mount /data/fuse \(fuse\).*remedy: unmount
 */
#include "fuse.h"

int main(void)
{
	fuse_mount("/data/fuse");
	int fd = MUST(open("/data/fuse/file", O_RDONLY));

	ready_and_wait();

	CHECK_EQ("size", FUSE_FILE_SIZE, lseek(fd, 0, SEEK_END));
	CHECK(slurp("/data/fuse/file")[0] == 'f', "the content");
	pass();
}
