/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that waits in a listening unix socket, with a descriptor that had been sent before that took no more of them.
 * @needs: kernel>=6.16
 * @expect: refuse with descriptors that it does not take any more \(SO_PASSRIGHTS\); remedy: try again once it is accepted
 */
#include "unix_rights.h"
#include <sys/un.h>

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

int main(void)
{
	const struct sockaddr_un address = {AF_UNIX, "\0pending"};
	int server = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	int file = MUST(open("/data/file", O_RDWR | O_CREAT, 0600)), off = 0;
	MUST(bind(server, (const struct sockaddr *)&address, sizeof(address)));
	MUST(listen(server, 5));
	MUST(connect(client, (const struct sockaddr *)&address, sizeof(address)));
	send_fds(client, "x", 1, &file, 1);
	MUST(setsockopt(server, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off)));

	ready_and_wait();

	check_same("what had been sent", file, take(MUST(accept(server, NULL, NULL)), "x"));
	pass();
}
