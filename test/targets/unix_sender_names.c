/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unread datagrams of senders that have names: abstract ones, paths, relative paths through links; closed, open, or
 * with a name that belongs to a file now. Connections whose other end had a name, and is closed.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static socklen_t name_of(struct sockaddr_un *address, const char *name)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	strcpy(address->sun_path + (*name == '@'), name + (*name == '@'));
	return offsetof(struct sockaddr_un, sun_path) + strlen(name) + (*name != '@');
}

static int bound(int type, const char *name)
{
	struct sockaddr_un address;
	socklen_t size = name_of(&address, name);
	int fd = MUST(socket(AF_UNIX, type, 0));
	if (*name) MUST(bind(fd, (struct sockaddr *)&address, size));
	return fd;
}

static void send_to(int from, const char *name, const char *text)
{
	struct sockaddr_un address;
	socklen_t size = name_of(&address, name);
	CHECK_EQ(text, strlen(text), sendto(from, text, strlen(text), 0, (struct sockaddr *)&address, size));
}

static void expect_from(int fd, const char *text, const char *name)
{
	struct sockaddr_un address = {0}, wanted;
	socklen_t size = sizeof(address), wanted_size = name_of(&wanted, name);
	char got[64] = "";
	CHECK_EQ(text, strlen(text), recvfrom(fd, got, sizeof(got), MSG_DONTWAIT, (struct sockaddr *)&address, &size));
	CHECK_STR("text", text, got);
	if (!*name) {
		CHECK(size <= sizeof(sa_family_t), "no name");
		return;
	}
	CHECK_EQ(name, wanted_size, size);
	CHECK(memcmp(&address, &wanted, size) == 0, name);
}

static void expect_peer(int fd, const char *name)
{
	struct sockaddr_un address = {0}, wanted;
	socklen_t size = sizeof(address), wanted_size = name_of(&wanted, name);
	MUST(getpeername(fd, (struct sockaddr *)&address, &size));
	CHECK_EQ(name, wanted_size, size);
	CHECK(memcmp(&address, &wanted, size) == 0, name);
}

/* A connected pair whose client has a name, or whose server has that of the listening socket; the given end is closed. */
static int left_alone(int type, const char *server, const char *client, int close_client, int close_listener)
{
	struct sockaddr_un address;
	socklen_t size = name_of(&address, server);
	int listener = bound(type, server), ends[2];
	MUST(listen(listener, 1));
	ends[0] = bound(type, client);
	MUST(connect(ends[0], (struct sockaddr *)&address, size));
	ends[1] = MUST(accept(listener, NULL, NULL));
	CHECK_EQ("send", 4, send(ends[!close_client], "left", 4, 0));
	close(ends[!close_client]);
	if (close_listener) close(listener);
	return ends[close_client];
}

int main(void)
{
	struct stat before, after;
	MUST(chdir("/data"));
	MUST(mkdir("/data/there", 0700));
	MUST(symlink("there", "/data/link"));
	int server = bound(SOCK_DGRAM, "/data/server"), abstract = bound(SOCK_DGRAM, "@server");
	int open_path = bound(SOCK_DGRAM, "/data/open"), open_abstract = bound(SOCK_DGRAM, "@open");
	int gone[] = {bound(SOCK_DGRAM, "@gone"), bound(SOCK_DGRAM, "/data/gone"), bound(SOCK_DGRAM, "/data/link/x"),
		      bound(SOCK_DGRAM, "")};
	for (int i = 0; i < 4; i++) {
		send_to(gone[i], "/data/server", "path");
		send_to(gone[i], "@server", "abstract");
		close(gone[i]);
	}
	MUST(unlink("/data/link/x"));
	MUST(unlink("/data/gone"));
	int file = MUST(open("/data/gone", O_RDWR | O_CREAT, 0600));
	MUST(fstat(file, &before));
	int again[] = {open_path, open_abstract};
	for (int i = 0; i < 2; i++) {
		send_to(again[i], "/data/server", "path");
		send_to(again[i], "@server", "abstract");
	}
	send_to(server, "/data/server", "itself");
	int was_client = left_alone(SOCK_STREAM, "/data/s1", "@c1", 1, 1);
	int was_path = left_alone(SOCK_SEQPACKET, "@s2", "/data/c2", 1, 0);
	int was_server = left_alone(SOCK_STREAM, "@s3", "", 0, 1);
	int was_served = left_alone(SOCK_STREAM, "/data/s4", "", 0, 0);

	ready_and_wait();

	const char *names[] = {"@gone", "/data/gone", "/data/link/x", "", "/data/open", "@open"};
	for (int i = 0; i < 6; i++) {
		expect_from(server, "path", names[i]);
		expect_from(abstract, "abstract", names[i]);
	}
	expect_from(server, "itself", "/data/server");
	CHECK(recv(server, &before, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN, "no more");
	MUST(stat("/data/gone", &after));
	CHECK(S_ISREG(after.st_mode), "a file that has the name of a sender");
	CHECK(access("/data/link/x", F_OK) == -1 && errno == ENOENT, "a name that was removed");
	int lone[] = {was_client, was_path, was_server, was_served};
	const char *peers[] = {"@c1", "/data/c2", "@s3", "/data/s4"};
	for (int i = 0; i < 4; i++) {
		char text[8] = "";
		expect_peer(lone[i], peers[i]);
		CHECK_EQ(peers[i], 4, recv(lone[i], text, sizeof(text), MSG_DONTWAIT));
		CHECK_STR("what was left", "left", text);
		CHECK_EQ("the end", 0, recv(lone[i], text, sizeof(text), MSG_DONTWAIT));
	}
	pass();
}
