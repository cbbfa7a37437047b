/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets that were bound with IP_FREEBIND to an address the container does not have, and whose option was turned
 * off afterwards; and one connected to a broadcast address whose SO_BROADCAST was turned off too.
 * @needs: none
 * @expect: restore
 */
#include "inet.h"
#include <arpa/inet.h>

#define ADDRESS 0xc0000201u /* 192.0.2.1, of a range for documentation (RFC 5737) */

static int bound_freely(int type, unsigned short port)
{
	union address at = {.v4 = {.sin_family = AF_INET, .sin_port = htons(port)}};
	int fd = MUST(socket(AF_INET, type, 0));
	at.v4.sin_addr.s_addr = htonl(ADDRESS);
	set_option(fd, IPPROTO_IP, IP_FREEBIND, 1);
	MUST(bind(fd, &at.any, length_of(&at)));
	set_option(fd, IPPROTO_IP, IP_FREEBIND, 0);
	return fd;
}

int main(void)
{
	int fds[] = {bound_freely(SOCK_STREAM, 7301), bound_freely(SOCK_DGRAM, 7302)};
	int six = MUST(socket(AF_INET6, SOCK_DGRAM, 0)), loud = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	union address at = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(7303)}};
	MUST(inet_pton(AF_INET6, "2001:db8::1", &at.v6.sin6_addr)); /* RFC 3849 */
	MUST(listen(fds[0], 5));
	set_option(six, IPPROTO_IPV6, IPV6_FREEBIND, 1);
	MUST(bind(six, &at.any, sizeof(at.v6)));
	set_option(six, IPPROTO_IPV6, IPV6_FREEBIND, 0);
	at.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(7304)};
	at.v4.sin_addr.s_addr = htonl(0x7fffffff); /* the broadcast address of 127.0.0.0/8 */
	set_option(loud, SOL_SOCKET, SO_BROADCAST, 1);
	MUST(connect(loud, &at.any, sizeof(at.v4)));
	set_option(loud, SOL_SOCKET, SO_BROADCAST, 0);

	ready_and_wait();

	for (int i = 0; i < 2; i++) {
		union address got;
		socklen_t length = sizeof(got);
		MUST(getsockname(fds[i], &got.any, &length));
		CHECK_EQ("address", ADDRESS, ntohl(got.v4.sin_addr.s_addr));
		CHECK_EQ("port", 7301 + i, ntohs(got.v4.sin_port));
		CHECK_EQ("IP_FREEBIND", 0, get_option(fds[i], IPPROTO_IP, IP_FREEBIND));
	}
	CHECK_EQ("IPV6_FREEBIND", 0, get_option(six, IPPROTO_IPV6, IPV6_FREEBIND));
	CHECK_EQ("SO_BROADCAST", 0, get_option(loud, SOL_SOCKET, SO_BROADCAST));
	pass();
}
