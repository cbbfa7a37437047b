/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP connections over the loopback interface that are always busy: clients send a stream of known bytes, a server
 * sends them back, and the clients check every one. Every other client has much on its way, the others exchange short
 * messages.
 *
 *   busy                    a target: server and CONNECTIONS clients; environment also WINDOW, bytes on the way
 *   busy client PID COUNT   only clients, in the network namespace of PID
 *   busy both COUNT         server and clients, in a network namespace of their own
 *
 * The go is SIGTERM: clients wait for what they have sent, and the verdict tells the longest time in ms that one of them
 * waited for anything, and how many bytes came back.
 */
#include "../../targets/inet.h"

#include <net/if.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#define PORT 7700
#define MOST 1024
#define PIECE 65536
#define SHORT 100
#define TICK_MS 5

struct client {
	int fd;
	size_t sent, got, window;
	double moved; /* when it last got something, or began to wait */
};

struct served {
	size_t length, done; /* of what it is to send back */
	unsigned char bytes[PIECE];
};

static struct client clients[MOST];
static struct served *served[2 * MOST + 64];
static unsigned char piece[PIECE];
static double longest;

static int poller(void)
{
	return MUST(epoll_create1(EPOLL_CLOEXEC));
}

static void watch(int epoll, int fd, unsigned events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};
	MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

static void admit(int epoll, int listener)
{
	int fd = MUST(accept4(listener, NULL, NULL, SOCK_NONBLOCK));
	CHECK((size_t)fd < sizeof(served) / sizeof(served[0]), "few connections");
	served[fd] = MUST(calloc(1, sizeof(struct served)));
	watch(epoll, fd, EPOLLIN | EPOLLOUT | EPOLLET);
}

/* Until it can neither read nor write. A connection that has ended is closed. */
static void echo(int fd)
{
	struct served *one = served[fd];
	for (;;) {
		ssize_t n;
		if (one->done == one->length) {
			n = recv(fd, one->bytes, PIECE, 0);
			if (n > 0) {
				one->length = (size_t)n;
				one->done = 0;
				continue;
			}
		} else {
			n = send(fd, one->bytes + one->done, one->length - one->done, MSG_NOSIGNAL);
			if (n > 0) {
				one->done += (size_t)n;
				continue;
			}
		}
		if (n < 0 && errno == EAGAIN) return;
		free(one);
		close(fd);
		return;
	}
}

static void serve(void)
{
	struct epoll_event events[64];
	int epoll = poller(), listener = MUST(socket(AF_INET, SOCK_STREAM, 0));
	union address any = {.v4 = {.sin_family = AF_INET, .sin_port = htons(PORT)}};
	MUST(bind(listener, &any.any, sizeof(any.v4)));
	MUST(listen(listener, MOST));
	watch(epoll, listener, EPOLLIN);
	arrived();
	for (;;) {
		int count = epoll_wait(epoll, events, 64, -1);
		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == listener) admit(epoll, listener);
			else echo(events[i].data.fd);
		}
	}
}

static void serve_first(void *unused)
{
	MUST(prctl(PR_SET_PDEATHSIG, SIGKILL));
	(void)unused;
	serve();
}

static void send_more(struct client *one, unsigned seed)
{
	size_t room = one->window - (one->sent - one->got);
	if (room < one->window / 2) return;
	if (room > PIECE) room = PIECE;
	for (size_t i = 0; i < room; i++) piece[i] = pattern_byte(one->sent + i, seed);
	ssize_t n = send(one->fd, piece, room, MSG_NOSIGNAL);
	if (n < 0) CHECK_EQ("send", EAGAIN, errno);
	else {
		if (one->sent == one->got) one->moved = seconds(CLOCK_MONOTONIC);
		one->sent += (size_t)n;
	}
}

static void get_all(struct client *one, unsigned seed)
{
	ssize_t n;
	while ((n = recv(one->fd, piece, PIECE, 0)) > 0) {
		double now = seconds(CLOCK_MONOTONIC);
		if (now - one->moved > longest) longest = now - one->moved;
		one->moved = now;
		CHECK((size_t)n <= one->sent - one->got, "no more than was sent");
		for (ssize_t i = 0; i < n; i++)
			CHECK_EQ("content", pattern_byte(one->got + (size_t)i, seed), piece[i]);
		one->got += (size_t)n;
	}
	CHECK(n == -1 && errno == EAGAIN, "a connection that goes on");
}

static size_t on_the_way(int count)
{
	size_t all = 0;
	for (int i = 0; i < count; i++) all += clients[i].sent - clients[i].got;
	return all;
}

static void connect_all(int count, size_t window, int epoll)
{
	for (int i = 0; i < count; i++) {
		clients[i] = (struct client){.fd = MUST(socket(AF_INET, SOCK_STREAM, 0)), .window = i % 2 ? SHORT : window};
		join(clients[i].fd, AF_INET, PORT);
		MUST(fcntl(clients[i].fd, F_SETFL, O_NONBLOCK));
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = (unsigned)i};
		MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, clients[i].fd, &event));
	}
}

static void be_busy(int count, size_t window)
{
	struct epoll_event events[64];
	int epoll = poller(), is_ending = 0;
	double ticked = 0;
	connect_all(count, window, epoll);
	ready();
	while (!is_ending || on_the_way(count) > 0) {
		struct timespec none = {0, 0};
		if (sigtimedwait(&target_go, NULL, &none) == SIGTERM) is_ending = 1;
		double now = seconds(CLOCK_MONOTONIC);
		if (!is_ending && now - ticked > TICK_MS / 1e3) {
			ticked = now;
			for (int i = 0; i < count; i++) send_more(&clients[i], (unsigned)i);
		}
		int ready_ones = epoll_wait(epoll, events, 64, TICK_MS);
		for (int i = 0; i < ready_ones; i++) get_all(&clients[events[i].data.u32], events[i].data.u32);
	}
	size_t all = 0;
	for (int i = 0; i < count; i++) {
		CHECK(clients[i].got > 0, "no idle connection");
		all += clients[i].got;
	}
	dprintf(1, "PASS gap=%.0f bytes=%zu\n", longest * 1e3, all);
	_exit(0);
}

static void enter(const char *pid)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	MUST(setns(MUST(open(path, O_RDONLY | O_CLOEXEC)), CLONE_NEWNET));
}

static void enter_new(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	MUST(unshare(CLONE_NEWNET));
	MUST(ioctl(MUST(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), SIOCSIFFLAGS, &request));
}

static size_t number(const char *text, size_t otherwise)
{
	return text ? strtoul(text, NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	const char *role = argc > 1 ? argv[1] : "";
	int is_alone = strcmp(role, "both") == 0, is_outside = strcmp(role, "client") == 0;
	const char *connections = is_alone || is_outside ? argv[argc - 1] : getenv("CONNECTIONS");
	int count = (int)number(connections, 10);
	struct rlimit limit;
	MUST(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	if (count > MOST) FAIL("more than %d connections", MOST);
	if (is_outside) enter(argv[2]);
	if (is_alone) enter_new();
	if (!is_outside) spawn(serve_first, NULL);
	be_busy(count, number(getenv("WINDOW"), 4096));
}
