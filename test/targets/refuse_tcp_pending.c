/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP connection that waits to be accepted, with data that cannot be read before.
 * @needs: none
 * @expect: refuse waits to be accepted, with data
 */
#include "inet.h"

int main(void)
{
	char text[8] = "";
	int server = bound(AF_INET, SOCK_STREAM, 7201), client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(listen(server, 1));
	join(client, AF_INET, 7201);
	CHECK_EQ("send", 5, send(client, "early", 5, 0));

	ready_and_wait();

	int accepted = MUST(accept(server, NULL, NULL));
	CHECK_EQ("recv", 5, recv(accepted, text, 5, 0));
	CHECK_STR("content", "early", text);
	CHECK_EQ("send", 4, send(accepted, "late", 4, 0));
	CHECK_EQ("recv", 4, recv(client, text, 4, 0));
	pass();
}
