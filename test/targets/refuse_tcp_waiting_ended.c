/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP connection that waits to be accepted, and that its client has closed.
 * @needs: none
 * @expect: refuse waits to be accepted, which its client has closed
 */
#include "inet.h"

int main(void)
{
	char text[8] = "";
	int server = bound(AF_INET, SOCK_STREAM, 7201), client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(listen(server, 1));
	join(client, AF_INET, 7201);
	CHECK_EQ("send", 5, send(client, "early", 5, 0));
	MUST(close(client));

	ready_and_wait();

	int accepted = MUST(accept(server, NULL, NULL));
	CHECK_EQ("recv", 5, recv(accepted, text, 5, 0));
	CHECK_STR("content", "early", text);
	CHECK_EQ("end", 0, recv(accepted, text, 5, 0));
	pass();
}
