/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connected UDP sockets of which one direction is shut down: no more can be sent by the one, and the other
 * reads as ended. One that is not connected has both directions shut down.
 * @needs: none
 * @expect: restore
 * @warns: ^(?![^]*unread datagrams)
 */
#include "inet.h"
#include <poll.h>

static void check(int mute, int deaf, int both)
{
	struct pollfd entry = {.fd = deaf, .events = POLLIN | POLLRDHUP};
	CHECK(send(mute, "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE, "after SHUT_WR nothing is sent");
	MUST(poll(&entry, 1, 0));
	CHECK_EQ("events after SHUT_RD", POLLIN | POLLRDHUP, entry.revents);
	entry.fd = both;
	MUST(poll(&entry, 1, 0));
	CHECK_EQ("events after SHUT_RDWR", POLLIN | POLLRDHUP | POLLHUP, entry.revents);
}

int main(void)
{
	int mute = bound(AF_INET, SOCK_DGRAM, 7201), deaf = bound(AF_INET6, SOCK_DGRAM, 7202);
	int both = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	join(mute, AF_INET, 7201);
	join(deaf, AF_INET6, 7202);
	MUST(shutdown(mute, SHUT_WR));
	MUST(shutdown(deaf, SHUT_RD));
	CHECK(shutdown(both, SHUT_RDWR) == -1 && errno == ENOTCONN, "one without a peer says so");
	check(mute, deaf, both);

	ready_and_wait();

	check(mute, deaf, both);
	pass();
}
