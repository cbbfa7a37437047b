/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening unix sockets, by path, abstract and seqpacket; an accepted connection; a bound one not yet
 * listening.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static const struct sockaddr_un addresses[] = {
	{AF_UNIX, "/run/listen.sock"}, {AF_UNIX, "\0abstract name"}, {AF_UNIX, "/data/packet.sock"},
};
static const int types[] = {SOCK_STREAM, SOCK_STREAM | SOCK_NONBLOCK, SOCK_SEQPACKET};

#define ADDRESS(a) (const struct sockaddr *)(a), sizeof(struct sockaddr_un)

static void exercise(int server, const struct sockaddr_un *address, int type)
{
	char text[8] = "";
	int client = MUST(socket(AF_UNIX, type & ~SOCK_NONBLOCK, 0));
	MUST(connect(client, ADDRESS(address)));
	int accepted = MUST(accept(server, NULL, NULL));
	CHECK_EQ("send", 5, send(client, "hello", 5, 0));
	CHECK_EQ("recv", 5, recv(accepted, text, sizeof(text), 0));
	CHECK_STR("content", "hello", text);
	close(client);
	close(accepted);
}

static void check_name(int fd, const struct sockaddr_un *expected)
{
	struct sockaddr_un got = {0};
	socklen_t length = sizeof(got);
	MUST(getsockname(fd, (struct sockaddr *)&got, &length));
	CHECK_EQ("address", 0, memcmp(got.sun_path, expected->sun_path, sizeof(got.sun_path)));
}

int main(void)
{
	int servers[3], value = 0;
	struct stat status;
	socklen_t length = sizeof(value);
	for (int i = 0; i < 3; i++) {
		servers[i] = MUST(socket(AF_UNIX, types[i], 0));
		MUST(bind(servers[i], ADDRESS(&addresses[i])));
		MUST(listen(servers[i], 3 + i));
		exercise(servers[i], &addresses[i], types[i]);
	}
	MUST(chmod("/run/listen.sock", 0640));
	int client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(connect(client, ADDRESS(&addresses[0])));
	int accepted = MUST(accept(servers[0], NULL, NULL));
	const struct sockaddr_un later = {AF_UNIX, "/tmp/later.sock"};
	int bound = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), fresh = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(bind(bound, ADDRESS(&later)));

	ready_and_wait();

	for (int i = 0; i < 3; i++) {
		check_name(servers[i], &addresses[i]);
		MUST(getsockopt(servers[i], SOL_SOCKET, SO_ACCEPTCONN, &value, &length));
		CHECK_EQ("listening", 1, value);
		exercise(servers[i], &addresses[i], types[i]);
	}
	CHECK(accept(servers[1], NULL, NULL) == -1 && errno == EAGAIN, "not blocking");
	MUST(stat("/run/listen.sock", &status));
	CHECK_EQ("mode", 0640, status.st_mode & 0777);
	CHECK_EQ("write", 3, write(client, "abc", 3));
	char text[8] = "";
	CHECK_EQ("read of the accepted", 3, read(accepted, text, 3));
	check_name(accepted, &addresses[0]);
	check_name(bound, &later);
	MUST(listen(bound, 1));
	MUST(connect(fresh, ADDRESS(&later)));
	pass();
}
