/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of TCP sockets that listen, or do nothing yet: segment size, congestion control.
 * @needs: none
 * @expect: restore
 */
#include "inet.h"

static void choose(int fd, const char *name)
{
	MUST(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)));
}

static const char *chosen(int fd)
{
	static char name[17];
	socklen_t length = 16;
	memset(name, 0, sizeof(name));
	MUST(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &length));
	return name;
}

int main(void)
{
	int server = bound(AF_INET, SOCK_STREAM, 7301), fresh = MUST(socket(AF_INET6, SOCK_STREAM, 0));
	int plain = bound(AF_INET, SOCK_STREAM, 7302), failed = MUST(socket(AF_INET, SOCK_STREAM, 0));
	union address nobody = loopback(AF_INET, 7303);
	char before[17];
	set_option(server, IPPROTO_TCP, TCP_MAXSEG, 1000);
	choose(server, "reno");
	MUST(listen(server, 3));
	set_option(fresh, IPPROTO_TCP, TCP_MAXSEG, 700);
	strcpy(before, chosen(plain));
	CHECK(connect(failed, &nobody.any, length_of(&nobody)) == -1, "nobody listens");

	ready_and_wait();

	CHECK_EQ("TCP_MAXSEG", 1000, get_option(server, IPPROTO_TCP, TCP_MAXSEG));
	CHECK_STR("TCP_CONGESTION", "reno", chosen(server));
	CHECK_EQ("TCP_MAXSEG", 700, get_option(fresh, IPPROTO_TCP, TCP_MAXSEG));
	CHECK_EQ("TCP_MAXSEG by default", 536, get_option(plain, IPPROTO_TCP, TCP_MAXSEG));
	CHECK_STR("TCP_CONGESTION by default", before, chosen(plain));
	int client = MUST(socket(AF_INET, SOCK_STREAM, 0));
	join(client, AF_INET, 7301);
	int accepted = MUST(accept(server, NULL, NULL));
	CHECK_STR("TCP_CONGESTION of a connection", "reno", chosen(accepted));
	CHECK(get_option(accepted, IPPROTO_TCP, TCP_MAXSEG) <= 1000, "segments of a connection");
	pass();
}
