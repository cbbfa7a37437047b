/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mapped file of a FUSE file system that is no longer mounted, and that a process of the container serves.
 * @needs: cap:SYS_ADMIN
 * @expect: refuse pid 1 \(target\) mapping \S+ \(/file\): has not answered for 10 s.*remedy: close
 */
#include "fuse.h"

int main(void)
{
	fuse_mount("/data/fuse");
	int fd = MUST(open("/data/fuse/file", O_RDONLY));
	volatile char *page = MUST(mmap(NULL, FUSE_FILE_SIZE, PROT_READ, MAP_PRIVATE, fd, 0));
	close(fd);
	MUST(umount2("/data/fuse", MNT_DETACH));

	ready_and_wait();

	CHECK_EQ("content", 'f', page[0]);
	pass();
}
