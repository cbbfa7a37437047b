/* SPDX-License-Identifier: Apache-2.0 */
/* Has an open file, a mapping and its working directory on what is mounted at /mnt. */
#include "../../targets/target.h"
#include <sys/stat.h>

int main(void)
{
	int fd = MUST(open("/mnt/file", O_RDONLY));
	volatile char *page = MUST(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
	struct stat stat;
	char byte;

	MUST(chdir("/mnt"));

	ready_and_wait();

	CHECK_EQ("read", 1, pread(fd, &byte, 1, 5));
	CHECK_EQ("content", 'f', byte);
	CHECK_EQ("mapping", 'f', page[7]);
	MUST(lstat("file", &stat));
	CHECK_EQ("size", 4096, stat.st_size);
	pass();
}
