/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP sockets: bound, connected, fresh, IPv4 and IPv6, with options. Queues are empty.
 * @needs: none
 * @expect: restore
 */
#include "inet.h"

static void expect_message(int fd, const char *expected)
{
	char text[16] = "";
	CHECK_EQ("recv", strlen(expected), recv(fd, text, sizeof(text), 0));
	CHECK_STR("message", expected, text);
}

int main(void)
{
	int server = bound(AF_INET, SOCK_DGRAM, 7101), server6 = bound(AF_INET6, SOCK_DGRAM, 7102);
	int client = bound(AF_INET, SOCK_DGRAM, 7103), client6 = MUST(socket(AF_INET6, SOCK_DGRAM, 0));
	int fresh = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	join(client, AF_INET, 7101);
	join(client6, AF_INET6, 7102);
	unsigned short automatic = port_of(client6);
	set_option(server, SOL_SOCKET, SO_BROADCAST, 1);
	set_option(server, IPPROTO_IP, IP_TTL, 33);
	set_option(server, IPPROTO_IP, IP_TOS, 0x10);
	set_option(server, IPPROTO_IP, IP_PKTINFO, 1);
	set_option(server, SOL_SOCKET, SO_PRIORITY, 5);

	ready_and_wait();

	CHECK_EQ("SO_BROADCAST", 1, get_option(server, SOL_SOCKET, SO_BROADCAST));
	CHECK_EQ("IP_TTL", 33, get_option(server, IPPROTO_IP, IP_TTL));
	CHECK_EQ("IP_TOS", 0x10, get_option(server, IPPROTO_IP, IP_TOS));
	CHECK_EQ("IP_PKTINFO", 1, get_option(server, IPPROTO_IP, IP_PKTINFO));
	CHECK_EQ("SO_PRIORITY", 5, get_option(server, SOL_SOCKET, SO_PRIORITY));
	CHECK_EQ("port", 7103, port_of(client));
	CHECK_EQ("automatic port", automatic, port_of(client6));
	CHECK_EQ("send", 4, send(client, "v4 1", 4, 0));
	expect_message(server, "v4 1");
	CHECK_EQ("send", 4, send(client6, "v6 1", 4, 0));
	expect_message(server6, "v6 1");
	union address at = loopback(AF_INET, 7103);
	CHECK_EQ("sendto", 4, sendto(server, "back", 4, 0, &at.any, length_of(&at)));
	expect_message(client, "back");
	at = loopback(AF_INET, 7101);
	CHECK_EQ("sendto", 5, sendto(fresh, "fresh", 5, 0, &at.any, length_of(&at)));
	expect_message(server, "fresh");
	pass();
}
