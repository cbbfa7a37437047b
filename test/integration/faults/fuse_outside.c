/* SPDX-License-Identifier: Apache-2.0 */
/* Serves a FUSE file system at argv[1], outside of any container, until it is unmounted. */
#include "../../targets/fuse.h"

int main(int argc, char **argv)
{
	char options[128];
	int device = MUST(open("/dev/fuse", O_RDWR | O_CLOEXEC));

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",
		 device);
	MUST(mount("outside", argv[argc - 1], "fuse", MS_NOSUID | MS_NODEV, options));
	ready();
	target_arrival = MUST(open("/dev/null", O_WRONLY));
	fuse_serve(&device);
}
