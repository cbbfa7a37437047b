/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP connections whose other end is elsewhere: they go on where the container does, and end at a restore. Here the
 * other ends vanish without a packet (TCP_REPAIR).
 * @needs: cap:NET_ADMIN
 * @expect: restore
 */
#include "inet.h"

#include <linux/filter.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#define TCP_REPAIR_MODE 19
#define UNREAD 300000

enum { OPEN, UNREAD_DATA, HALF_CLOSED, ENDED_BY_PEER, IPV6, MAPPED, REFUSED, COUNT };

static int epoll, ends[COUNT], listener, state_before[COUNT];
static unsigned short ports[COUNT];
static char unread[UNREAD], got[UNREAD];

static int state_of(int fd)
{
	struct tcp_info info;
	socklen_t length = sizeof(info);
	MUST(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length));
	return info.tcpi_state;
}

static unsigned long long start_time(void)
{
	unsigned long long ticks = 0;
	const char *at = strrchr(slurp("/proc/self/stat"), ')');
	CHECK_EQ("fields", 1, sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
				     "%*d %*d %llu", &ticks));
	return ticks;
}

static void vanish(int fd)
{
	set_option(fd, IPPROTO_TCP, TCP_REPAIR_MODE, 1);
	close(fd);
}

/* Whatever is still to be acknowledged would be answered with a reset. */
static void await_quiet(int fd)
{
	for (int waiting = 1; waiting; sched_yield()) MUST(ioctl(fd, SIOCOUTQ, &waiting));
}

/* One end of a connection, the other in *other. */
static int connected(int family, int server, unsigned short port, int *other)
{
	int fd = MUST(socket(family, SOCK_STREAM, 0));
	if (family == AF_INET6 && server == listener) {
		union address a = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
		a.v6.sin6_addr.s6_addr[10] = a.v6.sin6_addr.s6_addr[11] = 0xff;
		a.v6.sin6_addr.s6_addr[12] = 127;
		a.v6.sin6_addr.s6_addr[15] = 1;
		MUST(connect(fd, &a.any, sizeof(a.v6)));
	} else {
		join(fd, family, port);
	}
	*other = MUST(accept(server, NULL, NULL));
	return fd;
}

static int refusing(void)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {1, &drop};
	int deaf = bound(AF_INET, SOCK_STREAM, 7302), fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	union address at = loopback(AF_INET, 7302);
	MUST(setsockopt(deaf, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
	MUST(listen(deaf, 1));
	CHECK(connect(fd, &at.any, length_of(&at)) == -1 && errno == EINPROGRESS, "connecting");
	return fd;
}

static unsigned events_of(int which)
{
	struct epoll_event events[COUNT];
	int n = MUST(epoll_wait(epoll, events, COUNT, 0));
	for (int i = 0; i < n; i++)
		if (events[i].data.u32 == (unsigned)which) return events[i].events;
	return 0;
}

static void check_unread(int which, size_t expected)
{
	size_t n = 0;
	while (n < expected) n += (size_t)MUST(recv(ends[which], got + n, expected - n, 0));
	CHECK(memcmp(got, unread, expected) == 0, "unread data");
}

static void check_open(void)
{
	for (int i = 0; i < COUNT; i++) CHECK_EQ("state", state_before[i], state_of(ends[i]));
	check_unread(UNREAD_DATA, UNREAD);
	check_unread(ENDED_BY_PEER, 1000);
	CHECK_EQ("recv", 0, recv(ends[ENDED_BY_PEER], got, 1, 0));
}

static void check_dead(int which)
{
	int fd = ends[which];
	union address peer;
	socklen_t length = sizeof(peer);
	CHECK_EQ("events", EPOLLHUP | EPOLLERR | EPOLLIN | EPOLLRDHUP, events_of(which) & ~EPOLLOUT);
	CHECK_EQ("port", ports[which], port_of(fd));
	CHECK(getpeername(fd, &peer.any, &length) == -1 && errno == ENOTCONN, "no peer");
	if (which == UNREAD_DATA) check_unread(which, UNREAD);
	if (which == OPEN)
		CHECK(send(fd, "x", 1, MSG_NOSIGNAL) == -1 && errno == ECONNRESET, "write");
	else
		CHECK(recv(fd, got, 1, 0) == -1 && errno == ECONNRESET, "read");
	CHECK_EQ("read again", 0, recv(fd, got, 1, 0));
	CHECK(send(fd, "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE, "write again");
}

static void check_restored(void)
{
	int error = 0;
	socklen_t length = sizeof(error);
	check_dead(OPEN);
	check_dead(UNREAD_DATA);
	check_dead(HALF_CLOSED);
	check_dead(IPV6);
	check_dead(MAPPED);
	check_unread(ENDED_BY_PEER, 1000);
	/* Nothing tells the next checkpoint which error waits in it. */
	CHECK(recv(ends[ENDED_BY_PEER], got, 1, 0) == 0 || errno == ECONNRESET, "the end of a stream");
	CHECK(send(ends[ENDED_BY_PEER], "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE, "write to what has ended");
	CHECK(events_of(REFUSED) & EPOLLERR, "refused");
	MUST(getsockopt(ends[REFUSED], SOL_SOCKET, SO_ERROR, &error, &length));
	CHECK(error == ECONNREFUSED || error == ECONNRESET, "SO_ERROR");
}

int main(void)
{
	int other[COUNT], v6 = bound(AF_INET6, SOCK_STREAM, 7303);
	fill(unread, sizeof(unread), 3);
	epoll = MUST(epoll_create1(0));
	listener = bound(AF_INET, SOCK_STREAM, 7301);
	MUST(listen(listener, 8));
	MUST(listen(v6, 8));
	for (int i = 0; i < IPV6; i++) ends[i] = connected(AF_INET, listener, 7301, other + i);
	/* The server's end of one; the client's of the others. */
	int swap = ends[UNREAD_DATA];
	ends[UNREAD_DATA] = other[UNREAD_DATA];
	other[UNREAD_DATA] = swap;
	ends[IPV6] = connected(AF_INET6, v6, 7303, other + IPV6);
	ends[MAPPED] = connected(AF_INET6, listener, 7301, other + MAPPED);
	set_option(ends[UNREAD_DATA], SOL_SOCKET, SO_RCVBUF, 1 << 20);
	CHECK_EQ("send", UNREAD, send(other[UNREAD_DATA], unread, UNREAD, 0));
	CHECK_EQ("recv", UNREAD, recv(ends[UNREAD_DATA], got, UNREAD, MSG_PEEK | MSG_WAITALL));
	CHECK_EQ("send", 1000, send(other[ENDED_BY_PEER], unread, 1000, 0));
	MUST(shutdown(other[ENDED_BY_PEER], SHUT_WR));
	CHECK_EQ("end", 1, poll(&(struct pollfd){ends[ENDED_BY_PEER], POLLRDHUP, 0}, 1, 60000));
	MUST(shutdown(ends[HALF_CLOSED], SHUT_WR));
	set_option(ends[OPEN], IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(ends[OPEN], SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(ends[OPEN], IPPROTO_TCP, TCP_KEEPIDLE, 71);
	CHECK_EQ("end", 1, poll(&(struct pollfd){other[HALF_CLOSED], POLLRDHUP, 0}, 1, 60000));
	for (int i = 0; i < REFUSED; i++) {
		await_quiet(ends[i]);
		await_quiet(other[i]);
		vanish(other[i]);
	}
	ends[REFUSED] = refusing();
	for (int i = 0; i < COUNT; i++) {
		struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.u32 = (unsigned)i};
		MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[i], &event));
		ports[i] = port_of(ends[i]);
		state_before[i] = state_of(ends[i]);
	}
	unsigned long long started = start_time();
	int buffer = get_option(ends[OPEN], SOL_SOCKET, SO_RCVBUF);

	ready_and_wait();

	CHECK_EQ("SO_RCVBUF", buffer, get_option(ends[OPEN], SOL_SOCKET, SO_RCVBUF));
	CHECK_EQ("TCP_NODELAY", 1, get_option(ends[OPEN], IPPROTO_TCP, TCP_NODELAY));
	CHECK_EQ("TCP_KEEPIDLE", 71, get_option(ends[OPEN], IPPROTO_TCP, TCP_KEEPIDLE));
	if (start_time() == started) check_open();
	else check_restored();
	pass();
}
