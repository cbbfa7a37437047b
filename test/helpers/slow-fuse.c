/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serves a FUSE file system at /slow, and runs a program. Who looks for /slow/file waits until there is a file /answer;
 * /asked tells that somebody does.
 */
#include "../targets/fuse.h"

static void serve(void *argument)
{
	static char request[FUSE_ROOM] __attribute__((aligned(8)));
	const struct fuse_in_header *in = (const void *)request;
	int device = *(int *)argument;

	arrived();
	while (read(device, request, sizeof(request)) > 0) {
		if (in->opcode == FUSE_LOOKUP) {
			close(open("/asked", O_CREAT | O_WRONLY, 0644));
			while (access("/answer", F_OK) < 0)
				usleep(10000);
		}
		fuse_handle(device, in, in + 1);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	fuse_mount_by("/slow", serve);
	execv(argv[1], argv + 1);
	return 1;
}
