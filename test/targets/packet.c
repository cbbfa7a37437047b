/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet sockets: raw and datagram, bound to an interface, to all and to none; memberships, joined more than once;
 * options, filter, a group that shares its packets. A packet that nobody has read is lost.
 * @needs: cap:NET_RAW
 * @expect: restore
 * @warns: unread packets are not kept
 */
#include "packet.h"
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#define ETHERNET_HEADER 14
#define UDP_HEADERS 28
#define VNET_HEADER 12

static const struct {
	int name, value;
} options[] = {
	{PACKET_VERSION, TPACKET_V2},
	{PACKET_RESERVE, 48},
	{PACKET_LOSS, 1},
	{PACKET_AUXDATA, 1},
	{PACKET_ORIGDEV, 1},
	{PACKET_TIMESTAMP, 0x40},
	{PACKET_TX_HAS_OFF, 1},
	{PACKET_QDISC_BYPASS, 1},
	{PACKET_IGNORE_OUTGOING, 1},
	{PACKET_VNET_HDR, 1},
	{PACKET_VNET_HDR_SZ, VNET_HEADER},
};
#define OPTIONS (sizeof(options) / sizeof(options[0]))

static void change_membership(int fd, int how, int index, int type)
{
	struct packet_mreq request = {.mr_ifindex = index, .mr_type = (unsigned short)type};
	if (type == PACKET_MR_MULTICAST) {
		request.mr_alen = 6;
		memcpy(request.mr_address, "\1\0\136\1\2\3", 6);
	}
	MUST(setsockopt(fd, SOL_PACKET, how, &request, sizeof(request)));
}

/* How many have made the interface promiscuous. */
static unsigned promiscuity(int index)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} ask = {{sizeof(ask), RTM_GETLINK, NLM_F_REQUEST, 1, 0}, {.ifi_index = index}};
	char answer[8192];
	int fd = MUST(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	MUST(send(fd, &ask, sizeof(ask), 0));
	ssize_t length = MUST(recv(fd, answer, sizeof(answer), 0));
	MUST(close(fd));
	struct nlmsghdr *header = (struct nlmsghdr *)answer;
	CHECK(length >= (ssize_t)sizeof(*header) && header->nlmsg_type == RTM_NEWLINK, "a link");
	struct rtattr *one = IFLA_RTA(NLMSG_DATA(header));
	for (int left = (int)IFLA_PAYLOAD(header); RTA_OK(one, left); one = RTA_NEXT(one, left))
		if (one->rta_type == IFLA_PROMISCUITY) return *(unsigned *)RTA_DATA(one);
	FAIL("no promiscuity");
}

static void expect_text(const char *what, int fd, size_t header, const char *text)
{
	char frame[2048] = "";
	CHECK(is_readable(fd, 5000), what);
	ssize_t length = MUST(recv(fd, frame, sizeof(frame) - 1, 0));
	CHECK_EQ(what, (ssize_t)(header + UDP_HEADERS + strlen(text)), length);
	CHECK_STR(what, text, frame + header + UDP_HEADERS);
}

int main(void)
{
	int lo = (int)if_nametoindex("lo");
	CHECK(lo > 0, "a loopback interface");
	int raw = MUST(socket(AF_PACKET, SOCK_RAW, 0)), none = MUST(socket(AF_PACKET, SOCK_RAW, 0));
	only_port(raw, 7711);
	for (size_t i = 0; i < OPTIONS; i++) set_packet_option(raw, options[i].name, options[i].value);
	bind_packet(raw, lo, ETH_P_ALL);
	change_membership(raw, PACKET_ADD_MEMBERSHIP, lo, PACKET_MR_PROMISC);
	change_membership(raw, PACKET_ADD_MEMBERSHIP, lo, PACKET_MR_PROMISC);
	change_membership(raw, PACKET_ADD_MEMBERSHIP, lo, PACKET_MR_MULTICAST);
	unsigned promiscuous = promiscuity(lo);
	int datagram = MUST(socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK, htons(ETH_P_IP)));
	int silent = MUST(socket(AF_PACKET, SOCK_RAW, 0)), shared[2];
	bind_packet(silent, lo, 0);
	for (int i = 0; i < 2; i++) {
		shared[i] = MUST(socket(AF_PACKET, SOCK_RAW, 0));
		only_port(shared[i], 7712);
		bind_packet(shared[i], lo, ETH_P_IP);
		set_packet_option(shared[i], PACKET_FANOUT, 0x4321 | PACKET_FANOUT_LB << 16 | PACKET_FANOUT_FLAG_ROLLOVER << 16);
	}
	int group = get_option(shared[0], SOL_PACKET, PACKET_FANOUT);
	send_to_port(7711, "before");
	CHECK(is_readable(raw, 5000), "a packet before");

	ready_and_wait();

	for (size_t i = 0; i < OPTIONS; i++)
		CHECK_EQ("option", options[i].value, get_option(raw, SOL_PACKET, options[i].name));
	expect_bound("raw", raw, lo, ETH_P_ALL);
	expect_bound("datagram", datagram, 0, ETH_P_IP);
	expect_bound("silent", silent, lo, 0);
	expect_bound("none", none, 0, 0);
	CHECK_EQ("group", group, get_option(shared[1], SOL_PACKET, PACKET_FANOUT));
	CHECK_EQ("promiscuous", promiscuous, promiscuity(lo));
	change_membership(raw, PACKET_DROP_MEMBERSHIP, lo, PACKET_MR_PROMISC);
	CHECK_EQ("promiscuous once more", promiscuous, promiscuity(lo));
	change_membership(raw, PACKET_DROP_MEMBERSHIP, lo, PACKET_MR_PROMISC);
	CHECK_EQ("no longer promiscuous", promiscuous - 1, promiscuity(lo));

	char frame[2048];
	while (recv(raw, frame, sizeof(frame), MSG_DONTWAIT) > 0) continue;
	while (recv(datagram, frame, sizeof(frame), 0) > 0) continue;
	send_to_port(7711, "after");
	expect_text("raw", raw, VNET_HEADER + ETHERNET_HEADER, "after");
	CHECK(!is_readable(raw, 0), "only what came in, and only once");
	expect_text("datagram", datagram, 0, "after");
	for (int i = 0; i < 10; i++) send_to_port(7712, "one of two");
	int received = 0;
	for (int i = 0; i < 2; i++)
		while (is_readable(shared[i], received < 10 && i > 0 ? 5000 : 0)) {
			expect_text("shared", shared[i], ETHERNET_HEADER, "one of two");
			received++;
		}
	CHECK_EQ("packets of the group", 10, received);
	CHECK(!is_readable(silent, 0) && !is_readable(none, 0), "no packets without a protocol");
	pass();
}
