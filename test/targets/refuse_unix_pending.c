/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that waits in the queue of a listening unix socket, with data already sent.
 * @needs: none
 * @expect: refuse a connection waits to be accepted, with data
 */
#include "target.h"
#include <sys/socket.h>
#include <sys/un.h>

int main(void)
{
	const struct sockaddr_un address = {AF_UNIX, "\0pending"};
	char text[8] = "";
	int server = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(bind(server, (const struct sockaddr *)&address, sizeof(address)));
	MUST(listen(server, 5));
	MUST(connect(client, (const struct sockaddr *)&address, sizeof(address)));
	CHECK_EQ("write", 5, write(client, "early", 5));

	ready_and_wait();

	MUST(fcntl(server, F_SETFL, O_NONBLOCK));
	int accepted = MUST(accept(server, NULL, NULL));
	CHECK_EQ("read", 5, read(accepted, text, 5));
	CHECK_STR("content", "early", text);
	CHECK_EQ("write", 4, write(accepted, "late", 4));
	CHECK_EQ("read", 4, read(client, text, 4));
	pass();
}
