/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP connection that waits to be accepted, with urgent data.
 * @needs: none
 * @expect: refuse waits to be accepted, with data that cannot be read before
 */
#include "inet.h"

int main(void)
{
	char text[8] = "";
	int server = bound(AF_INET, SOCK_STREAM, 7201), client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	MUST(listen(server, 1));
	join(client, AF_INET, 7201);
	CHECK_EQ("send", 5, send(client, "early", 5, 0));
	CHECK_EQ("send", 1, send(client, "!", 1, MSG_OOB));

	ready_and_wait();

	int accepted = MUST(accept(server, NULL, NULL));
	CHECK_EQ("recv", 5, recv(accepted, text, 5, 0));
	CHECK_STR("content", "early", text);
	CHECK_EQ("urgent", 1, recv(accepted, text, 1, MSG_OOB));
	CHECK_EQ("urgent", '!', text[0]);
	pass();
}
