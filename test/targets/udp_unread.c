/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams that wait unread in UDP sockets: kept while the container runs on, reported as lost in a copy, whose
 * sockets work.
 * @needs: none
 * @expect: restore
 * @warns: unread datagrams are not kept where=pid 1 \(target\) fd 3 port=7101 bytes=\d+
 */
#include "inet.h"

int main(void)
{
	int server = bound(AF_INET, SOCK_DGRAM, 7101), client = bound(AF_INET, SOCK_DGRAM, 7102);
	char text[16] = "";
	CHECK_EQ("the first descriptor", 3, server);
	join(client, AF_INET, 7101);
	CHECK_EQ("send", 5, send(client, "early", 5, 0));

	ready_and_wait();

	ssize_t length = recv(server, text, sizeof(text), MSG_DONTWAIT);
	if (length >= 0) CHECK_STR("what waited", "early", text);
	else CHECK_EQ("recv of nothing", EAGAIN, errno);
	memset(text, 0, sizeof(text));
	CHECK_EQ("send", 4, send(client, "late", 4, 0));
	CHECK_EQ("recv", 4, recv(server, text, sizeof(text), 0));
	CHECK_STR("what comes", "late", text);
	pass();
}
