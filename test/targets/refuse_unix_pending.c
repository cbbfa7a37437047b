/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that waits in the queue of a listening unix socket, with a descriptor that has been closed once it was sent.
 * @needs: none
 * @expect: refuse a connection waits to be accepted, with descriptors \(SCM_RIGHTS\) that are open nowhere else; remedy: try again once it is accepted
 */
#include "unix_rights.h"
#include <sys/un.h>

int main(void)
{
	const struct sockaddr_un address = {AF_UNIX, "\0pending"};
	int server = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	int file = MUST(open("/data/file", O_RDWR | O_CREAT, 0600));
	MUST(bind(server, (const struct sockaddr *)&address, sizeof(address)));
	MUST(listen(server, 5));
	MUST(connect(client, (const struct sockaddr *)&address, sizeof(address)));
	MUST(write(file, "text", 4));
	give(client, "x", file);

	ready_and_wait();

	MUST(fcntl(server, F_SETFL, O_NONBLOCK));
	int accepted = MUST(accept(server, NULL, NULL)), got = take(accepted, "x");
	CHECK_EQ("position", 4, lseek(got, 0, SEEK_CUR));
	pass();
}
