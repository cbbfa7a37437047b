/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Netlink sockets in many multicast groups, also above the 32nd, and with options.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

static const int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV6_ROUTE, 32, RTNLGRP_NSID, RTNLGRP_STATS};
static const int options[] = {
	NETLINK_PKTINFO, NETLINK_BROADCAST_ERROR, NETLINK_NO_ENOBUFS,
	NETLINK_CAP_ACK, NETLINK_EXT_ACK,	  NETLINK_GET_STRICT_CHK,
};

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

static int new_socket(void)
{
	return MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
}

static void join(int fd, int group)
{
	MUST(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)));
}

static int is_member(int fd, int group)
{
	unsigned words[8] = {0};
	socklen_t length = sizeof(words);
	MUST(getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, words, &length));
	return (int)(words[(group - 1) / 32] >> ((group - 1) % 32) & 1);
}

static int option_of(int fd, int name)
{
	int value = -1;
	socklen_t length = sizeof(value);
	MUST(getsockopt(fd, SOL_NETLINK, name, &value, &length));
	return value;
}

int main(void)
{
	int many = new_socket(), high = new_socket(), optioned = new_socket(), plain = new_socket();
	int on = 1;
	for (int i = 0; i < COUNT(groups); i++) join(many, groups[i]);
	join(high, RTNLGRP_MPLS_ROUTE);
	join(high, 33);
	for (int i = 0; i < COUNT(options); i += 2)
		MUST(setsockopt(optioned, SOL_NETLINK, options[i], &on, sizeof(on)));

	ready_and_wait();

	for (int group = 1; group <= 36; group++) {
		int expected = 0;
		for (int i = 0; i < COUNT(groups); i++) expected |= groups[i] == group;
		CHECK_EQ("member of many", expected, is_member(many, group));
		CHECK_EQ("member of high", group == RTNLGRP_MPLS_ROUTE || group == 33, is_member(high, group));
		CHECK_EQ("member of none", 0, is_member(plain, group));
	}
	for (int i = 0; i < COUNT(options); i++) {
		CHECK_EQ("option", i % 2 == 0, option_of(optioned, options[i]));
		CHECK_EQ("option", 0, option_of(plain, options[i]));
	}
	pass();
}
