/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets in flight whose own queues hold descriptors: one inside the other, one in its own queue, both ends of a
 * connection that nobody has open, and a listening one.
 * @needs: none
 * @expect: restore
 */
#include "unix_rights.h"
#include <sys/un.h>

#define DEPTH 4

int main(void)
{
	const struct sockaddr_un address = {AF_UNIX, "\0in-flight"};
	int outer[2], own[2], both[2], chain[2];
	char text[16] = "";
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, outer));
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, own));

	/* A chain: each socket waits in the queue of the next one, whose other end is closed, or waits there, too. */
	int file = MUST(open("/data/deep", O_RDWR | O_CREAT, 0600));
	CHECK_EQ("write", 4, write(file, "deep", 4));
	for (int i = 0; i < DEPTH; i++) {
		MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, chain));
		give(chain[0], "link", file);
		if (i % 2) close(chain[0]);
		else send_fds(chain[0], "twin", 4, &chain[0], 1), close(chain[0]);
		file = chain[1];
	}
	give(outer[0], "chain", file);

	/* A socket in its own queue, and the other end in the same. */
	send_fds(own[1], "self", 4, (int[]){own[0], own[1]}, 2);

	/* Both ends of a connection, with data between them. */
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, both));
	CHECK_EQ("write", 4, write(both[0], "data", 4));
	give(outer[0], "one", both[0]);
	give(outer[0], "other", both[1]);

	int server = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(bind(server, (const struct sockaddr *)&address, sizeof(address)));
	MUST(listen(server, 3));
	give(outer[0], "server", server);

	ready_and_wait();

	file = take(outer[1], "chain");
	for (int i = DEPTH - 1; i >= 0; i--) {
		int next = take(file, "link");
		if (i % 2 == 0) {
			int twin = take(file, "twin");
			CHECK_EQ("send", 1, send(twin, "x", 1, 0));
			CHECK_EQ("recv", 1, recv(file, text, sizeof(text), MSG_DONTWAIT));
		}
		close(file);
		file = next;
	}
	CHECK_EQ("pread", 4, pread(file, text, 4, 0));
	CHECK(memcmp(text, "deep", 4) == 0, "of the file");

	int self[2];
	take_fds(own[0], 64, "self", self, 2);
	check_same("a socket in its own queue", self[0], own[0]);
	check_same("and the other end", self[1], own[1]);

	int one = take(outer[1], "one"), other = take(outer[1], "other");
	CHECK_EQ("read", 4, read(other, text, sizeof(text)));
	CHECK_EQ("write", 2, write(other, "ok", 2));
	CHECK_EQ("read", 2, read(one, text, sizeof(text)));

	server = take(outer[1], "server");
	int client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(connect(client, (const struct sockaddr *)&address, sizeof(address)));
	MUST(accept(server, NULL, NULL));
	pass();
}
