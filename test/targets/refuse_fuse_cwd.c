/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The working directory, on a FUSE file system that is no longer mounted, and that a process of the container
 * serves.
 * @needs: cap:SYS_ADMIN
 * @expect: refuse pid 1 \(target\) cwd \/: has not answered for 10 s.*remedy: close
 */
#include "fuse.h"

int main(void)
{
	fuse_mount("/data/fuse");
	MUST(chdir("/data/fuse"));
	MUST(umount2("/data/fuse", MNT_DETACH));

	ready_and_wait();

	struct stat stat;
	MUST(lstat("file", &stat));
	CHECK_EQ("size", FUSE_FILE_SIZE, stat.st_size);
	pass();
}
