/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netns-tcp PORT TIMEOUT_MS: a pipe to 127.0.0.1:PORT as the process sees it whose PID is the first line of
 * stdin.
 *
 * Enters the network namespace of PID, brings its loopback device up (it is down in a namespace that
 * CRIU has made), connects (retrying until the timeout), then copies stdin to the connection and the
 * connection to stdout until the peer closes. Exits 0 then, 1 with a message when it cannot connect or a
 * copy fails.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static int fail(const char *what)
{
	fprintf(stderr, "netns-tcp: %s: %s\n", what, strerror(errno));
	return 1;
}

static int enter_netns(const char *pid)
{
	char path[64];
	int fd, rc;

	snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	rc = setns(fd, CLONE_NEWNET);
	close(fd);
	return rc;
}

static int raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -1;
	rc = ioctl(fd, SIOCGIFFLAGS, &request);
	if (rc == 0 && !(request.ifr_flags & IFF_UP)) {
		request.ifr_flags |= IFF_UP;
		rc = ioctl(fd, SIOCSIFFLAGS, &request);
	}
	close(fd);
	return rc;
}

static int connect_until(int port, long long deadline)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons((unsigned short)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct timespec pause = { .tv_nsec = 500000 };

	for (;;) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0)
			return -1;
		if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
			return fd;
		close(fd);
		if (now_ms() > deadline)
			return -1;
		nanosleep(&pause, NULL);
	}
}

/* Copies what can be read now; returns 0 at end of file, -1 on error, else 1. */
static int copy_some(int from, int to)
{
	static char buffer[1 << 16];
	ssize_t got = read(from, buffer, sizeof(buffer));
	ssize_t done = 0;

	if (got <= 0)
		return (int)got;
	while (done < got) {
		ssize_t n = write(to, buffer + done, (size_t)(got - done));

		if (n < 0)
			return -1;
		done += n;
	}
	return 1;
}

static int relay(int sock)
{
	struct pollfd fds[2] = { { .fd = 0, .events = POLLIN }, { .fd = sock, .events = POLLIN } };

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			return fail("poll");
		if (fds[1].revents) {
			int rc = copy_some(sock, 1);

			if (rc < 0)
				return fail("read from the peer");
			if (rc == 0)
				return 0;
		}
		if (fds[0].revents && copy_some(0, sock) <= 0) {
			shutdown(sock, SHUT_WR);
			fds[0].fd = -1;
		}
	}
}

/* Reads a line of stdin and nothing beyond it; returns 0, or -1 when there is none that fits. */
static int read_line(char *line, size_t size)
{
	for (size_t length = 0; length < size; length++) {
		if (read(0, line + length, 1) != 1)
			return -1;
		if (line[length] == '\n') {
			line[length] = '\0';
			return 0;
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	char pid[16];
	int sock;

	if (argc != 3) {
		fprintf(stderr, "usage: netns-tcp PORT TIMEOUT_MS\n");
		return 2;
	}
	if (read_line(pid, sizeof(pid)))
		return 1; /* There is no request. */
	if (enter_netns(pid))
		return fail("enter the network namespace");
	if (raise_loopback())
		return fail("raise the loopback device");
	sock = connect_until(atoi(argv[1]), now_ms() + atoi(argv[2]));
	if (sock < 0)
		return fail("connect");
	return relay(sock);
}
