/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP sockets in multicast groups: of IPv4 and IPv6, with and without sources; interfaces for sending.
 * @needs: none
 * @expect: restore
 */
#include "inet.h"
#include <net/if.h>

static int datagram(int family, unsigned short port)
{
	union address any = {.any = {.sa_family = (sa_family_t)family}};
	int fd = MUST(socket(family, SOCK_DGRAM, 0));
	any.v4.sin_port = htons(port);
	MUST(bind(fd, &any.any, length_of(&any)));
	return fd;
}

static union address address_of(int family, const char *text, unsigned short port)
{
	union address a = {.any = {.sa_family = (sa_family_t)family}};
	a.v4.sin_port = htons(port);
	CHECK_EQ("address", 1,
		 inet_pton(family, text, family == AF_INET ? (void *)&a.v4.sin_addr : &a.v6.sin6_addr));
	return a;
}

static int level_of(const union address *a)
{
	return a->any.sa_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
}

/* MCAST_JOIN_GROUP and the like on the loopback interface; with a source if there is one. */
static int change(int fd, int name, const char *group, const char *source)
{
	int family = strchr(group, ':') ? AF_INET6 : AF_INET;
	union address at = address_of(family, group, 0), from;
	struct group_source_req request = {.gsr_interface = if_nametoindex("lo")};
	struct group_req plain = {.gr_interface = request.gsr_interface};
	memcpy(&plain.gr_group, &at, sizeof(at));
	if (!source) return setsockopt(fd, level_of(&at), name, &plain, sizeof(plain));
	from = address_of(family, source, 0);
	memcpy(&request.gsr_group, &at, sizeof(at));
	memcpy(&request.gsr_source, &from, sizeof(from));
	return setsockopt(fd, level_of(&at), name, &request, sizeof(request));
}

/* Mode and number of sources; -1 for a group that the socket is not in. */
static void expect_filter(int fd, const char *group, int mode, int count)
{
	char room[GROUP_FILTER_SIZE(8)] = "";
	struct group_filter *filter = (struct group_filter *)room;
	union address at = address_of(strchr(group, ':') ? AF_INET6 : AF_INET, group, 0);
	socklen_t length = sizeof(room);
	filter->gf_interface = if_nametoindex("lo");
	filter->gf_numsrc = 8;
	memcpy(&filter->gf_group, &at, sizeof(at));
	int result = getsockopt(fd, level_of(&at), MCAST_MSFILTER, filter, &length);
	if (mode < 0) {
		CHECK(result == -1 && errno == EADDRNOTAVAIL, group);
		return;
	}
	CHECK_EQ(group, 0, result);
	CHECK_EQ(group, mode, filter->gf_fmode);
	CHECK_EQ(group, count, filter->gf_numsrc);
}

static void exchange(int from, int to, const char *group, unsigned short port)
{
	char text[8] = "";
	union address at = address_of(AF_INET, group, port);
	CHECK_EQ("sendto", 4, sendto(from, "news", 4, 0, &at.any, length_of(&at)));
	CHECK_EQ("recv", 4, recv(to, text, sizeof(text), MSG_DONTWAIT));
	CHECK_STR("text", "news", text);
}

int main(void)
{
	int four = datagram(AF_INET, 7401), six = datagram(AF_INET6, 7402), none = datagram(AF_INET, 7403);
	int sender = MUST(socket(AF_INET, SOCK_DGRAM, 0)), sender6 = MUST(socket(AF_INET6, SOCK_DGRAM, 0));
	struct in_addr home = {htonl(INADDR_LOOPBACK)}, got = {0};
	socklen_t length = sizeof(got);
	int lo = (int)if_nametoindex("lo");
	MUST(change(four, MCAST_JOIN_GROUP, "239.1.2.3", NULL));
	MUST(change(four, MCAST_JOIN_GROUP, "224.0.0.1", NULL));
	MUST(change(four, MCAST_JOIN_SOURCE_GROUP, "232.1.1.1", "127.0.0.1"));
	MUST(change(four, MCAST_JOIN_SOURCE_GROUP, "232.1.1.1", "127.0.0.2"));
	MUST(change(four, MCAST_JOIN_GROUP, "239.4.4.4", NULL));
	MUST(change(four, MCAST_BLOCK_SOURCE, "239.4.4.4", "127.0.0.9"));
	MUST(change(six, MCAST_JOIN_GROUP, "ff05::123", NULL));
	MUST(change(six, MCAST_JOIN_SOURCE_GROUP, "ff35::77", "::1"));
	MUST(change(six, MCAST_JOIN_GROUP, "239.6.6.6", NULL));
	MUST(setsockopt(sender, IPPROTO_IP, IP_MULTICAST_IF, &home, sizeof(home)));
	set_option(sender6, IPPROTO_IPV6, IPV6_MULTICAST_IF, lo);
	set_option(sender6, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);

	ready_and_wait();

	expect_filter(four, "239.1.2.3", MCAST_EXCLUDE, 0);
	expect_filter(four, "224.0.0.1", MCAST_EXCLUDE, 0);
	expect_filter(four, "232.1.1.1", MCAST_INCLUDE, 2);
	expect_filter(four, "239.4.4.4", MCAST_EXCLUDE, 1);
	expect_filter(four, "239.6.6.6", -1, 0);
	expect_filter(six, "ff05::123", MCAST_EXCLUDE, 0);
	expect_filter(six, "ff35::77", MCAST_INCLUDE, 1);
	expect_filter(six, "239.6.6.6", MCAST_EXCLUDE, 0);
	expect_filter(none, "239.1.2.3", -1, 0);
	expect_filter(none, "224.0.0.1", -1, 0);
	MUST(getsockopt(sender, IPPROTO_IP, IP_MULTICAST_IF, &got, &length));
	CHECK_EQ("IP_MULTICAST_IF", home.s_addr, got.s_addr);
	CHECK_EQ("IPV6_MULTICAST_IF", lo, get_option(sender6, IPPROTO_IPV6, IPV6_MULTICAST_IF));
	CHECK_EQ("IPV6_MULTICAST_ALL", 0, get_option(sender6, IPPROTO_IPV6, IPV6_MULTICAST_ALL));
	exchange(sender, four, "239.1.2.3", 7401);
	exchange(sender, four, "232.1.1.1", 7401);
	pass();
}
