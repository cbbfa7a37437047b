/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP connections that wait to be accepted: those of the container's own clients, IPv4 and IPv6, one of which has
 * nothing to send, are accepted in the same order. One from outside, over an address that is gone, is accepted only
 * where the container goes on.
 * @needs: cap:NET_ADMIN
 * @expect: restore
 * @varies: fds
 */
#include "inet.h"

#include <net/if.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#define CLIENTS 6
#define HALF_CLOSED 2
#define TCP_REPAIR_MODE 19

static int clients[CLIENTS], listener, control;

static union address own_address(void)
{
	union address a = {.v4 = {.sin_family = AF_INET}};
	a.v4.sin_addr.s_addr = htonl(0x0a4d4d4d); /* 10.77.77.77 */
	return a;
}

static void set_address(int is_up)
{
	struct ifreq request = {.ifr_name = "lo:1"};
	union address own = own_address();
	memcpy(&request.ifr_addr, &own.any, sizeof(request.ifr_addr));
	if (is_up) MUST(ioctl(control, SIOCSIFADDR, &request));
	else MUST(ioctl(control, SIOCSIFFLAGS, &request)); /* no flags: not IFF_UP */
}

static void connect_mapped(int fd, unsigned short port)
{
	union address a = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
	a.v6.sin6_addr.s6_addr[10] = a.v6.sin6_addr.s6_addr[11] = 0xff;
	a.v6.sin6_addr.s6_addr[12] = 127;
	a.v6.sin6_addr.s6_addr[15] = 1;
	MUST(connect(fd, &a.any, sizeof(a.v6)));
}

/* From an address that nobody has afterwards; its client vanishes without a packet. */
static void connect_from_outside(unsigned short port)
{
	union address own = own_address();
	int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
	set_address(1);
	MUST(bind(fd, &own.any, sizeof(own.v4)));
	join(fd, AF_INET, port);
	set_option(fd, IPPROTO_TCP, TCP_REPAIR_MODE, 1);
	MUST(close(fd));
	set_address(0);
}

static void talk(int from, int to, char byte)
{
	char got = 0;
	CHECK_EQ("send", 1, send(from, &byte, 1, 0));
	CHECK_EQ("recv", 1, recv(to, &got, 1, 0));
	CHECK_EQ("byte", byte, got);
}

/* The next connection that nobody has accepted; the port of its client. */
static int next(unsigned short *port)
{
	union address a;
	socklen_t length = sizeof(a);
	int fd = MUST(accept(listener, &a.any, &length));
	*port = ntohs(a.v6.sin6_port);
	return fd;
}

static unsigned long long start_time(void)
{
	unsigned long long ticks = 0;
	const char *at = strrchr(slurp("/proc/self/stat"), ')');
	CHECK_EQ("fields", 1, sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
				     "%*d %*d %llu", &ticks));
	return ticks;
}

int main(void)
{
	union address any = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(7601)}};
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	int epoll = MUST(epoll_create1(0));
	char byte;
	control = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	listener = MUST(socket(AF_INET6, SOCK_STREAM, 0));
	MUST(bind(listener, &any.any, sizeof(any.v6)));
	MUST(listen(listener, CLIENTS + 1));
	MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event));
	for (int i = 0; i < CLIENTS; i++) {
		usleep(20000); /* their order is told by the kernel's clock, which ticks every 1 to 10 ms */
		clients[i] = MUST(socket(i % 3 ? AF_INET6 : AF_INET, SOCK_STREAM, 0));
		if (i % 3 == 0) join(clients[i], AF_INET, 7601);
		else if (i % 3 == 1) connect_mapped(clients[i], 7601);
		else join(clients[i], AF_INET6, 7601);
		if (i == 1) connect_from_outside(7601);
	}
	MUST(shutdown(clients[HALF_CLOSED], SHUT_WR));
	set_option(clients[0], IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(clients[0], SOL_SOCKET, SO_RCVBUF, 77777);
	int buffer = get_option(clients[0], SOL_SOCKET, SO_RCVBUF);
	MUST(fcntl(clients[1], F_SETFL, O_NONBLOCK));
	unsigned long long started = start_time();

	ready_and_wait();

	int is_restored = start_time() != started;
	CHECK_EQ("SO_RCVBUF", buffer, get_option(clients[0], SOL_SOCKET, SO_RCVBUF));
	CHECK_EQ("TCP_NODELAY", 1, get_option(clients[0], IPPROTO_TCP, TCP_NODELAY));
	CHECK_EQ("TCP_NODELAY", 0, get_option(clients[1], IPPROTO_TCP, TCP_NODELAY));
	CHECK_EQ("O_NONBLOCK", O_NONBLOCK, MUST(fcntl(clients[1], F_GETFL)) & O_NONBLOCK);
	CHECK_EQ("readable", 1, epoll_wait(epoll, &event, 1, 60000));
	for (int i = 0; i < CLIENTS; i++) {
		unsigned short port;
		int server = next(&port);
		CHECK_EQ("order", port_of(clients[i]), port);
		if (i == HALF_CLOSED) CHECK_EQ("end", 0, recv(server, &byte, 1, 0));
		else talk(clients[i], server, (char)i);
		MUST(fcntl(clients[i], F_SETFL, 0));
		talk(server, clients[i], (char)i);
		if (i == 1 && !is_restored) MUST(close(next(&port)));
	}
	CHECK_EQ("nothing more", 0, poll(&(struct pollfd){listener, POLLIN, 0}, 1, 0));
	pass();
}
