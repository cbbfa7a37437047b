/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that wait in listening unix sockets, and whose clients have sent nothing: in their order, behind one
 * that has been accepted, more than the limit says by now, with names, half closed, of another user.
 * @needs: none
 * @expect: restore
 */
#include "unix_server.h"
#include <poll.h>

#define MANY 4

static const struct sockaddr_un path = {AF_UNIX, "/data/server"};
static const struct sockaddr_un abstract = {AF_UNIX, "\0server"};
static const struct sockaddr_un client_name = {AF_UNIX, "/data/client"};

/* Which client a connection is to, by a byte that comes through it. */
static void check_order(int server, const int *clients, int count)
{
	for (int i = 0; i < count; i++) {
		char byte = (char)('a' + i), got = 0;
		int fd = MUST(accept(server, NULL, NULL));
		CHECK_EQ("send", 1, send(fd, &byte, 1, 0));
		CHECK_EQ("recv", 1, recv(clients[i], &got, 1, MSG_DONTWAIT));
		CHECK_EQ("in its order", byte, got);
		close(fd);
	}
	CHECK(accept(server, NULL, NULL) == -1 && errno == EAGAIN, "no more");
}

static void user(void *arg)
{
	MUST(setresgid(6, 6, 6));
	MUST(setresuid(5, 5, 5));
	client_of(arg, SOCK_STREAM);
	arrived();
	wait_for_go();
}

int main(void)
{
	struct sockaddr_un peer = {0};
	struct ucred who;
	socklen_t size = sizeof(peer), who_size = sizeof(who);
	char byte;
	int stream = server_of(&path, SOCK_STREAM), packets = server_of(&abstract, SOCK_SEQPACKET);
	int first = client_of(&path, SOCK_STREAM), accepted = MUST(accept(stream, NULL, NULL));
	int clients[MANY], senders[2];
	for (int i = 0; i < MANY; i++) clients[i] = client_of(&path, SOCK_STREAM);
	MUST(unlink("/data/server"));
	MUST(listen(stream, 1));
	MUST(shutdown(clients[1], SHUT_WR));

	senders[0] = MUST(socket(AF_UNIX, SOCK_SEQPACKET, 0));
	MUST(bind(senders[0], (const struct sockaddr *)&client_name, sizeof(client_name)));
	MUST(connect(senders[0], (const struct sockaddr *)&abstract, sizeof(abstract)));
	senders[1] = client_of(&abstract, SOCK_SEQPACKET);

	const struct sockaddr_un other = {AF_UNIX, "\0other"};
	int others = server_of(&other, SOCK_STREAM);
	pid_t child = spawn(user, (void *)&other);

	ready_and_wait();

	CHECK_EQ("send", 1, send(accepted, "x", 1, 0));
	CHECK_EQ("recv", 1, recv(first, &byte, 1, MSG_DONTWAIT));
	MUST(getpeername(clients[0], (struct sockaddr *)&peer, &size));
	CHECK_STR("name of the other end", "/data/server", peer.sun_path);
	MUST(getsockopt(clients[0], SOL_SOCKET, SO_PEERCRED, &who, &who_size));
	CHECK_EQ("who listens", 0, who.uid);
	int late = MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
	struct pollfd ready = {stream, POLLIN, 0};
	CHECK_EQ("to be accepted", 1, poll(&ready, 1, 0));
	check_order(stream, clients, MANY);
	CHECK_EQ("the end", 0, recv(clients[0], &byte, 1, MSG_DONTWAIT));

	size = sizeof(peer);
	int fd = MUST(accept(packets, (struct sockaddr *)&peer, &size));
	CHECK_STR("name of the client", "/data/client", peer.sun_path);
	CHECK_EQ("send", 3, send(senders[0], "new", 3, 0));
	CHECK_EQ("recv", 1, recv(fd, &byte, 1, MSG_DONTWAIT));
	check_order(packets, senders + 1, 1);

	fd = MUST(accept(others, NULL, NULL));
	MUST(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_size));
	CHECK_EQ("user of the client", 5, who.uid);
	CHECK_EQ("its group", 6, who.gid);
	finish(child);
	pass();
}
