/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unix sockets whose names lead to their files by a symbolic link: absolute, relative, removed.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static const struct sockaddr_un addresses[] = {
	{AF_UNIX, "/data/link/server.sock"}, {AF_UNIX, "link/peer.sock"}, {AF_UNIX, "/data/link/gone.sock"},
};

#define ADDRESS(a) (const struct sockaddr *)(a), sizeof(struct sockaddr_un)

static void check_file(const char *path, unsigned mode, uid_t uid)
{
	struct stat status;
	MUST(lstat(path, &status));
	CHECK_EQ("mode", S_IFSOCK | mode, status.st_mode);
	CHECK_EQ("owner", uid, status.st_uid);
}

int main(void)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_DGRAM};
	int fds[3];
	char text[8] = "";
	MUST(mkdir("/data/folder", 0755));
	MUST(symlink("folder", "/data/link"));
	MUST(chdir("/data"));
	for (int i = 0; i < 3; i++) {
		fds[i] = MUST(socket(AF_UNIX, types[i], 0));
		MUST(bind(fds[i], ADDRESS(&addresses[i])));
	}
	MUST(listen(fds[0], 3));
	MUST(unlink("folder/gone.sock"));
	MUST(chmod("folder/server.sock", 0604));
	MUST(chown("folder/peer.sock", 3, 4));

	ready_and_wait();

	for (int i = 0; i < 3; i++) {
		struct sockaddr_un got = {0};
		socklen_t length = sizeof(got);
		MUST(getsockname(fds[i], (struct sockaddr *)&got, &length));
		CHECK_STR("address", addresses[i].sun_path, got.sun_path);
	}
	check_file("/data/folder/server.sock", 0604, 0);
	check_file("/data/folder/peer.sock", 0755, 3);
	CHECK(access("/data/folder/gone.sock", F_OK) == -1 && errno == ENOENT, "the removed name");
	int client = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), sender = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
	MUST(connect(client, ADDRESS(&addresses[0])));
	MUST(accept(fds[0], NULL, NULL));
	CHECK_EQ("send", 5, sendto(sender, "hello", 5, 0, ADDRESS(&addresses[1])));
	CHECK_EQ("recv", 5, recv(fds[1], text, sizeof(text), 0));
	CHECK_STR("content", "hello", text);
	pass();
}
