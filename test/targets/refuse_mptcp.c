/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An established connection of Multipath TCP, here over the loopback interface.
 * @needs: none
 * @expect: refuse tcp
 */
#include "inet.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

int main(void)
{
	char text[8] = "";
	union address at = loopback(AF_INET, 7201);
	int server = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
	if (server < 0) SKIP("the kernel has no MPTCP");
	int client = MUST(socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP));
	MUST(bind(server, &at.any, length_of(&at)));
	MUST(listen(server, 1));
	join(client, AF_INET, 7201);
	int accepted = MUST(accept(server, NULL, NULL));
	CHECK_EQ("send", 5, send(client, "early", 5, 0));

	ready_and_wait();

	CHECK_EQ("recv", 5, recv(accepted, text, 5, 0));
	CHECK_STR("content", "early", text);
	CHECK_EQ("send", 4, send(accepted, "late", 4, 0));
	CHECK_EQ("recv", 4, recv(client, text, 4, 0));
	pass();
}
