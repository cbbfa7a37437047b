/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seqpacket socket with unread data, whose other end was closed before it had read everything. Whoever looks at
 * the queue gets ECONNRESET, once, instead of the program.
 * @needs: none
 * @expect: refuse ECONNRESET
 */
#include "target.h"
#include <sys/socket.h>

int main(void)
{
	int pair[2];
	char text[16] = "";
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	CHECK_EQ("send", 3, send(pair[1], "end", 3, 0));
	CHECK_EQ("send", 7, send(pair[0], "ignored", 7, 0));
	close(pair[1]);

	ready_and_wait();

	CHECK(recv(pair[0], text, sizeof(text), MSG_DONTWAIT) == -1 && errno == ECONNRESET, "reset");
	CHECK_EQ("unread", 3, recv(pair[0], text, sizeof(text), MSG_DONTWAIT));
	pass();
}
