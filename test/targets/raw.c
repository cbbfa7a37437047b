/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw sockets: of ICMP and ICMPv6 with filters, connected without a port; of UDP with headers of its own; of TCP, bound.
 * @needs: cap:NET_RAW
 * @expect: restore
 */
#include "inet.h"
#include <linux/icmp.h>
#include <linux/icmpv6.h>

#define SOL_RAW 255
#define IPV6_HEADERS 36

static void ping(int fd, int family, const char *text)
{
	struct icmphdr echo = {.type = family == AF_INET ? ICMP_ECHO : ICMPV6_ECHO_REQUEST, .un.echo.id = htons(7)};
	char packet[sizeof(echo) + 8] = "";
	unsigned sum = 0;
	memcpy(packet + sizeof(echo), text, strlen(text));
	memcpy(packet, &echo, sizeof(echo));
	for (size_t at = 0; at < sizeof(packet); at += 2) {
		unsigned short word;
		memcpy(&word, packet + at, 2);
		sum += word;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	echo.checksum = (unsigned short)~((sum & 0xffff) + (sum >> 16));
	memcpy(packet, &echo, sizeof(echo));
	CHECK_EQ("send", (ssize_t)sizeof(packet), send(fd, packet, sizeof(packet), 0));
}

/* The only packet that has come is an answer: the filter let through nothing else. */
static void expect_answer(int fd, unsigned char type, size_t header, const char *text)
{
	unsigned char packet[128] = "";
	CHECK_EQ("recv", (ssize_t)(header + sizeof(struct icmphdr) + 8), recv(fd, packet, sizeof(packet), 0));
	CHECK_EQ("type", type, packet[header]);
	CHECK_STR("text", text, (char *)packet + header + sizeof(struct icmphdr));
	CHECK(recv(fd, packet, sizeof(packet), MSG_DONTWAIT) == -1 && errno == EAGAIN, "one packet only");
}

int main(void)
{
	struct icmp_filter most = {.data = ~(1u << ICMP_ECHOREPLY)};
	unsigned most6[8], got6[8];
	socklen_t length = sizeof(got6);
	int icmp = MUST(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	MUST(setsockopt(icmp, SOL_RAW, ICMP_FILTER, &most, sizeof(most)));
	join(icmp, AF_INET, 0);
	int icmp6 = MUST(socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMPV6));
	memset(most6, 0xff, sizeof(most6));
	most6[ICMPV6_ECHO_REPLY >> 5] &= ~(1u << (ICMPV6_ECHO_REPLY & 31));
	MUST(setsockopt(icmp6, IPPROTO_ICMPV6, ICMPV6_FILTER, most6, sizeof(most6)));
	join(icmp6, AF_INET6, 0);
	MUST(fcntl(icmp6, F_SETFL, 0));
	int udp = bound(AF_INET, SOCK_DGRAM, 7601), headed = MUST(socket(AF_INET, SOCK_RAW, IPPROTO_UDP));
	set_option(headed, IPPROTO_IP, IP_HDRINCL, 1);
	int tcp = MUST(socket(AF_INET, SOCK_RAW, IPPROTO_TCP)), all = MUST(socket(AF_INET6, SOCK_RAW, IPPROTO_RAW));
	union address here = loopback(AF_INET, 0);
	MUST(bind(tcp, &here.any, length_of(&here)));
	set_option(all, SOL_RAW, IPV6_CHECKSUM, 4);
	ping(icmp, AF_INET, "before");
	expect_answer(icmp, ICMP_ECHOREPLY, 20, "before");

	ready_and_wait();

	ping(icmp, AF_INET, "after");
	expect_answer(icmp, ICMP_ECHOREPLY, 20, "after");
	MUST(getsockopt(icmp6, IPPROTO_ICMPV6, ICMPV6_FILTER, got6, &length));
	CHECK(length == sizeof(got6) && memcmp(got6, most6, sizeof(got6)) == 0, "the filter of ICMPv6");
	ping(icmp6, AF_INET6, "six");
	expect_answer(icmp6, ICMPV6_ECHO_REPLY, 0, "six");
	CHECK_EQ("headers of its own", 1, get_option(headed, IPPROTO_IP, IP_HDRINCL));
	CHECK_EQ("headers of its own", 1, get_option(all, IPPROTO_IPV6, IPV6_HEADERS));
	CHECK_EQ("place of the checksum", 4, get_option(all, SOL_RAW, IPV6_CHECKSUM));
	CHECK_EQ("protocol", IPPROTO_TCP, get_option(tcp, SOL_SOCKET, SO_PROTOCOL));
	length = sizeof(here);
	MUST(getsockname(tcp, &here.any, &length));
	CHECK_EQ("address", INADDR_LOOPBACK, ntohl(here.v4.sin_addr.s_addr));
	join(udp, AF_INET, 7601);
	char packet[64], datagram[28 + 4] = {0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1,
					     0x1d, (char)0xb1, 0x1d, (char)0xb1, 0, 12, 0, 0, 'm', 'a', 'd', 'e'};
	here = loopback(AF_INET, 0);
	CHECK_EQ("sendto", 32, sendto(headed, datagram, sizeof(datagram), 0, &here.any, length_of(&here)));
	CHECK_EQ("recv", 4, recv(udp, packet, sizeof(packet), 0));
	CHECK(memcmp(packet, "made", 4) == 0, "what was sent with headers");
	CHECK_EQ("recv", 32, recv(headed, packet, sizeof(packet), 0));
	pass();
}
