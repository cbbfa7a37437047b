/* SPDX-License-Identifier: Apache-2.0 */
/* Packet sockets on the loopback interface. */
#ifndef PACKET_H
#define PACKET_H

#include "inet.h"
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif
#ifndef PACKET_VNET_HDR_SZ
#define PACKET_VNET_HDR_SZ 24
#endif

static void bind_packet(int fd, int index, unsigned short protocol)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(protocol), .sll_ifindex = index};
	MUST(bind(fd, (struct sockaddr *)&at, sizeof(at)));
}

static void set_packet_option(int fd, int name, int value)
{
	set_option(fd, SOL_PACKET, name, value);
}

static void expect_bound(const char *what, int fd, int index, unsigned short protocol)
{
	struct sockaddr_ll at = {0};
	socklen_t length = sizeof(at);
	MUST(getsockname(fd, (struct sockaddr *)&at, &length));
	CHECK_EQ(what, index, at.sll_ifindex);
	CHECK_EQ(what, protocol, ntohs(at.sll_protocol));
}

/* Accepts only UDP to one port, in Ethernet frames: what other targets and the kernel send does not count. */
static void only_port(int fd, unsigned short port)
{
	struct sock_filter code[] = {
		{BPF_LD | BPF_H | BPF_ABS, 0, 0, 12}, {BPF_JMP | BPF_JEQ | BPF_K, 0, 5, 0x0800},
		{BPF_LD | BPF_B | BPF_ABS, 0, 0, 23}, {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, IPPROTO_UDP},
		{BPF_LD | BPF_H | BPF_ABS, 0, 0, 36}, {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, port},
		{BPF_RET | BPF_K, 0, 0, 65535},       {BPF_RET | BPF_K, 0, 0, 0},
	};
	struct sock_fprog program = {.len = 8, .filter = code};
	MUST(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
}

/* One datagram to a port of the loopback interface where nobody listens. */
static void send_to_port(unsigned short port, const char *text)
{
	int fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	union address to = loopback(AF_INET, port);
	MUST(sendto(fd, text, strlen(text), 0, &to.any, length_of(&to)));
	MUST(close(fd));
}

static int is_readable(int fd, int milliseconds)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};
	return MUST(poll(&one, 1, milliseconds));
}

#endif
