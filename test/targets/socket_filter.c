/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classic socket filters (SO_ATTACH_FILTER), which the kernel hands out (SO_GET_FILTER): on a UDP socket, on a
 * netlink socket that hears of addresses, such as Chromium's, and on a unix socket, which has a message that came
 * before; the last filter is locked (SO_LOCK_FILTER).
 * @needs: none
 * @expect: restore
 */
#include "inet.h"
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#define COUNT 4

/* Accepts what has a 'y' after the first 8 bytes. */
static struct sock_filter code[COUNT] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 'y', 0, 1),
	BPF_STMT(BPF_RET | BPF_K, 0xffff),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

static void attach(int fd)
{
	struct sock_fprog program = {COUNT, code};
	MUST(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
}

static void check_filter(int fd)
{
	struct sock_filter got[COUNT] = {{0}};
	socklen_t count = COUNT;
	MUST(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, got, &count));
	CHECK_EQ("instructions", COUNT, count);
	CHECK(memcmp(got, code, sizeof(code)) == 0, "the filter");
}

static void check_effect(int fd)
{
	char text[8] = "";
	CHECK_EQ("send", 2, send(fd, "no", 2, 0));
	CHECK_EQ("send", 3, send(fd, "yes", 3, 0));
	CHECK_EQ("recv", 3, recv(fd, text, sizeof(text), MSG_DONTWAIT));
	CHECK_STR("message", "yes", text);
	CHECK(recv(fd, text, sizeof(text), MSG_DONTWAIT) == -1 && errno == EAGAIN, "one message only");
}

static void check_locked(int pair[2])
{
	char text[16] = "";
	int none = 0;
	CHECK(setsockopt(pair[0], SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)) == -1 && errno == EPERM, "locked");
	CHECK_EQ("early message", 5, recv(pair[0], text, sizeof(text), MSG_DONTWAIT));
	CHECK_EQ("send", 9, send(pair[1], "12345678n", 9, 0));
	CHECK_EQ("send", 9, send(pair[1], "12345678y", 9, 0));
	CHECK_EQ("late message", 9, recv(pair[0], text, sizeof(text), MSG_DONTWAIT));
	CHECK_STR("late message", "12345678y", text);
}

int main(void)
{
	int pair[2], on = 1;
	struct sockaddr_nl groups = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR};
	int udp = bound(AF_INET, SOCK_DGRAM, 7401), netlink = MUST(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	join(udp, AF_INET, 7401);
	MUST(bind(netlink, (struct sockaddr *)&groups, sizeof(groups)));
	attach(udp);
	attach(netlink);
	check_effect(udp);
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	CHECK_EQ("send", 5, send(pair[1], "early", 5, 0));
	attach(pair[0]);
	MUST(setsockopt(pair[0], SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)));

	ready_and_wait();

	check_filter(udp);
	check_filter(netlink);
	check_filter(pair[0]);
	check_effect(udp);
	check_locked(pair);
	pass();
}
