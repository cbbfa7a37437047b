/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files without names, which a restore has to name for a moment, and unix sockets. Told to go, it verifies them.
 */
#include "../../targets/target.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define FILES 8

static int listening(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	strcpy(address.sun_path, path);
	MUST(bind(sock, (struct sockaddr *)&address, sizeof(address)));
	MUST(listen(sock, 1));
	return sock;
}

static void check_connects(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	strcpy(address.sun_path, path);
	MUST(connect(sock, (struct sockaddr *)&address, sizeof(address)));
}

int main(void)
{
	int files[FILES];
	struct stat status;

	for (int i = 0; i < FILES; i++) {
		files[i] = MUST(open("/data/file", O_RDWR | O_CREAT | O_EXCL, 0600));
		MUST(unlink("/data/file"));
		CHECK_EQ("write", 1, MUST(write(files[i], &i, 1)));
	}
	MUST(mkfifo("/data/fifo", 0600));
	MUST(open("/data/fifo", O_RDWR));
	MUST(unlink("/data/fifo"));
	MUST(mkdir("/data/folder", 0700));
	MUST(open("/data/folder", O_RDONLY | O_DIRECTORY));
	MUST(rmdir("/data/folder"));
	listening("/data/sock");
	MUST(unlink("/data/sock"));
	listening("/data/there");

	ready_and_wait();

	for (int i = 0; i < FILES; i++) {
		char byte = 0;

		CHECK_EQ("read", 1, MUST(pread(files[i], &byte, 1, 0)));
		CHECK_EQ("content", i, byte);
		MUST(fstat(files[i], &status));
		CHECK_EQ("links", 0, status.st_nlink);
	}
	check_connects("/data/there");
	CHECK(access("/data/sock", F_OK) != 0, "a socket without a name");
	pass();
}
