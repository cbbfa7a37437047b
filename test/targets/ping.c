/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ping sockets (ICMP datagrams), IPv4 and IPv6: one that is bound to an id, one that got its id by sending, one that is connected, one
 * that has done nothing yet; options, and an answer after a restore.
 * @needs: ping
 * @expect: restore
 */
#include "inet.h"
#include <linux/icmp.h>
#include <linux/icmpv6.h>

static void ask(int fd, const union address *to, const char *text)
{
	struct icmphdr echo = {.type = to->any.sa_family == AF_INET ? ICMP_ECHO : ICMPV6_ECHO_REQUEST, .un.echo.sequence = htons(3)};
	char packet[sizeof(echo) + 8] = "";
	memcpy(packet, &echo, sizeof(echo));
	strcpy(packet + sizeof(echo), text);
	CHECK_EQ("send", (ssize_t)sizeof(packet), sendto(fd, packet, sizeof(packet), 0, &to->any, length_of(to)));
}

static void expect_answer(int fd, int family, unsigned short id, const char *text)
{
	char packet[128] = "";
	struct icmphdr echo;
	CHECK_EQ("recv", (ssize_t)(sizeof(echo) + 8), recv(fd, packet, sizeof(packet), 0));
	memcpy(&echo, packet, sizeof(echo));
	CHECK_EQ("type", family == AF_INET ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY, echo.type);
	CHECK_EQ("id", id, ntohs(echo.un.echo.id));
	CHECK_STR("text", text, packet + sizeof(echo));
}

static void ask_and_expect(int fd, int family, unsigned short id)
{
	union address to = loopback(family, 0);
	ask(fd, &to, "ping");
	expect_answer(fd, family, id, "ping");
}

int main(void)
{
	static const int families[] = {AF_INET, AF_INET6};
	int named[2], sent[2], connected[2], fresh[2];
	unsigned short id[2];
	for (int i = 0; i < 2; i++) {
		int family = families[i], proto = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
		union address own = loopback(family, 700 + i), to = loopback(family, 0);
		named[i] = MUST(socket(family, SOCK_DGRAM, proto));
		MUST(bind(named[i], &own.any, length_of(&own)));
		sent[i] = MUST(socket(family, SOCK_DGRAM, proto));
		ask(sent[i], &to, "first");
		id[i] = port_of(sent[i]);
		CHECK(id[i] != 0, "an id of its own");
		expect_answer(sent[i], family, id[i], "first");
		connected[i] = MUST(socket(family, SOCK_DGRAM | SOCK_NONBLOCK, proto));
		MUST(connect(connected[i], &to.any, length_of(&to)));
		fresh[i] = MUST(socket(family, SOCK_DGRAM, proto));
	}
	set_option(named[0], IPPROTO_IP, IP_TTL, 77);
	set_option(named[0], SOL_SOCKET, SO_RCVBUF, 5000);
	int buffer = get_option(named[0], SOL_SOCKET, SO_RCVBUF);

	ready_and_wait();

	CHECK_EQ("IP_TTL", 77, get_option(named[0], IPPROTO_IP, IP_TTL));
	CHECK_EQ("SO_RCVBUF", buffer, get_option(named[0], SOL_SOCKET, SO_RCVBUF));
	for (int i = 0; i < 2; i++) {
		int family = families[i];
		CHECK_EQ("bound", 700 + i, port_of(named[i]));
		ask_and_expect(named[i], family, (unsigned short)(700 + i));
		CHECK_EQ("its own id", id[i], port_of(sent[i]));
		ask_and_expect(sent[i], family, id[i]);
		CHECK(MUST(fcntl(connected[i], F_GETFL)) & O_NONBLOCK, "O_NONBLOCK");
		MUST(fcntl(connected[i], F_SETFL, 0));
		struct icmphdr echo = {.type = family == AF_INET ? ICMP_ECHO : ICMPV6_ECHO_REQUEST};
		char packet[sizeof(echo) + 8] = "";
		memcpy(packet, &echo, sizeof(echo));
		strcpy(packet + sizeof(echo), "where");
		CHECK_EQ("send to its peer", (ssize_t)sizeof(packet), send(connected[i], packet, sizeof(packet), 0));
		expect_answer(connected[i], family, port_of(connected[i]), "where");
		CHECK_EQ("without an id", 0, port_of(fresh[i]));
		union address to = loopback(family, 0);
		ask(fresh[i], &to, "late");
		expect_answer(fresh[i], family, port_of(fresh[i]), "late");
	}
	pass();
}
