/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that wait in listening unix sockets, and whose clients have sent something: streams in pieces, more than
 * a buffer holds by itself, half closed; messages, one of them empty; in their order, beside one that has sent nothing; who
 * has sent it, which the server asks for once it has accepted.
 * @needs: none
 * @expect: restore
 * @blind: refuse a connection waits to be accepted, with data that cannot be read before
 */
#include "unix_server.h"
#include <poll.h>

#define MUCH 150000

static const struct sockaddr_un path = {AF_UNIX, "/data/server"};
static const struct sockaddr_un abstract = {AF_UNIX, "\0server"};
static char content[MUCH], got[MUCH + 1];

static size_t read_all(int fd, size_t most)
{
	size_t length = 0;
	ssize_t count;
	while (length < most && (count = recv(fd, got + length, most - length, MSG_DONTWAIT)) > 0) length += count;
	return length;
}

static void user(void *arg)
{
	MUST(setresgid(6, 6, 6));
	MUST(setresuid(5, 5, 5));
	int fd = client_of(arg, SOCK_STREAM);
	CHECK_EQ("send", 5, send(fd, "whose", 5, 0));
	arrived();
	wait_for_go();
}

/* The message, and who has sent it. */
static void check_sender(int fd, const char *text, pid_t pid, uid_t uid)
{
	char control[CMSG_SPACE(sizeof(struct ucred))] = "";
	struct iovec part = {got, sizeof(got)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	int on = 1;
	MUST(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	CHECK_EQ("length", (long)strlen(text), MUST(recvmsg(fd, &message, MSG_DONTWAIT)));
	got[strlen(text)] = '\0';
	CHECK_STR("text", text, got);
	struct cmsghdr *first = CMSG_FIRSTHDR(&message);
	CHECK(first && first->cmsg_type == SCM_CREDENTIALS, "who has sent it");
	struct ucred *who = (struct ucred *)CMSG_DATA(first);
	CHECK_EQ("pid", pid, who->pid);
	CHECK_EQ("uid", uid, who->uid);
}

int main(void)
{
	for (int i = 0; i < MUCH; i++) content[i] = (char)(i * 7 + i / 251);
	int stream = server_of(&path, SOCK_STREAM), packets = server_of(&abstract, SOCK_SEQPACKET);
	int clients[4];
	for (int i = 0; i < 4; i++) clients[i] = client_of(&path, SOCK_STREAM);
	CHECK_EQ("send", 5, send(clients[0], "early", 5, 0));
	CHECK_EQ("send", 6, send(clients[0], " piece", 6, 0));
	CHECK_EQ("send", MUCH, send(clients[2], content, MUCH, 0));
	CHECK_EQ("send", 3, send(clients[3], "end", 3, 0));
	MUST(shutdown(clients[3], SHUT_WR));

	int sender = client_of(&abstract, SOCK_SEQPACKET);
	CHECK_EQ("send", 3, send(sender, "one", 3, 0));
	CHECK_EQ("send", 0, send(sender, "", 0, 0));
	CHECK_EQ("send", 20000, send(sender, content, 20000, 0));

	const struct sockaddr_un other = {AF_UNIX, "\0other"};
	int others = server_of(&other, SOCK_STREAM);
	pid_t child = spawn(user, (void *)&other);

	ready_and_wait();

	CHECK_EQ("send", 5, send(clients[0], " more", 5, 0));
	int fd = MUST(accept(stream, NULL, NULL));
	CHECK_EQ("length", 16, (long)read_all(fd, MUCH));
	CHECK_STR("text", "early piece more", got);
	CHECK_EQ("back", 4, send(fd, "late", 4, 0));
	CHECK_EQ("back", 4, recv(clients[0], got, 4, 0));

	fd = MUST(accept(stream, NULL, NULL));
	CHECK_EQ("nothing", 0, (long)read_all(fd, MUCH));
	CHECK_EQ("send", 1, send(clients[1], "x", 1, 0));
	CHECK_EQ("length", 1, (long)read_all(fd, MUCH));

	fd = MUST(accept(stream, NULL, NULL));
	CHECK_EQ("length", MUCH, (long)read_all(fd, sizeof(got)));
	CHECK(memcmp(got, content, MUCH) == 0, "much");

	fd = MUST(accept(stream, NULL, NULL));
	check_sender(fd, "end", getpid(), 0);
	CHECK_EQ("the end", 0, recv(fd, got, 1, 0));
	CHECK(accept(stream, NULL, NULL) == -1 && errno == EAGAIN, "no more");

	fd = MUST(accept(packets, NULL, NULL));
	CHECK_EQ("message", 3, recv(fd, got, sizeof(got), MSG_DONTWAIT));
	CHECK_EQ("empty", 0, recv(fd, got, sizeof(got), MSG_DONTWAIT));
	CHECK_EQ("message", 20000, recv(fd, got, sizeof(got), MSG_DONTWAIT));
	CHECK(memcmp(got, content, 20000) == 0, "message");
	CHECK(recv(fd, got, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN, "no more messages");

	fd = MUST(accept(others, NULL, NULL));
	check_sender(fd, "whose", child, 5);
	finish(child);
	pass();
}
