/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As init it does nothing until SIGTERM: PASS, exit status 42. SIGHUP makes it connect to the server, which then has
 * to answer in the end, too.
 *
 * With `serve` it is the server, which an exec starts, on /data/socket. It answers each message by the number of
 * messages so far, which a child of it counts in memory that both share; `end` ends it. `serve session` has the child
 * in a session of its own; `serve packets` makes a pipe in packet mode, which cannot be restored.
 *
 * `say PATH WHAT` sends a message from outside, and prints the answer.
 */
#include "../../targets/target.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MOST 8

static const struct sockaddr_un place = { .sun_family = AF_UNIX, .sun_path = "/data/socket" };

static void ask(int server)
{
	char answer[32];

	CHECK_EQ("asked", 3, write(server, "ask", 3));
	CHECK(read(server, answer, sizeof(answer)) > 0, "an answer");
}

static void count(int in, int out, unsigned *shared)
{
	char byte;

	while (read(in, &byte, 1) == 1) {
		++*shared;
		CHECK_EQ("counted", 1, write(out, &byte, 1));
	}
	_exit(0);
}

static void serve(int argc, char **argv)
{
	struct pollfd ends[MOST] = { { .events = POLLIN } };
	unsigned *shared = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	int down[2], up[2], used = 1;
	char text[32];

	MUST(pipe(down));
	MUST(pipe(up));
	if (MUST(fork()) == 0) {
		if (argc > 2 && strcmp(argv[2], "session") == 0) MUST(setsid());
		close(down[1]);
		count(down[0], up[1], shared);
	}
	if (argc > 2 && strcmp(argv[2], "packets") == 0) {
		int packets[2];
		MUST(pipe2(packets, O_DIRECT));
	}
	unlink(place.sun_path);
	ends[0].fd = MUST(socket(AF_UNIX, SOCK_SEQPACKET, 0));
	MUST(bind(ends[0].fd, (const struct sockaddr *)&place, sizeof(place)));
	MUST(listen(ends[0].fd, 4));
	for (;;) {
		MUST(poll(ends, (nfds_t)used, -1));
		for (int i = used - 1; i > 0; i--) {
			if (!ends[i].revents) continue;
			ssize_t length = read(ends[i].fd, text, sizeof(text) - 1);
			if (length <= 0) {
				close(ends[i].fd);
				ends[i] = ends[--used];
				continue;
			}
			if (strncmp(text, "end", 3) == 0) exit(7);
			CHECK_EQ("told", 1, write(down[1], text, 1));
			CHECK_EQ("counted", 1, read(up[0], text, 1));
			length = snprintf(text, sizeof(text), "%u", *shared);
			CHECK_EQ("answered", length, write(ends[i].fd, text, (size_t)length));
		}
		if (ends[0].revents && used < MOST)
			ends[used++] = (struct pollfd){ .fd = MUST(accept(ends[0].fd, NULL, NULL)), .events = POLLIN };
	}
}

static void say(const char *path, const char *what)
{
	struct sockaddr_un there = { .sun_family = AF_UNIX };
	int server = MUST(socket(AF_UNIX, SOCK_SEQPACKET, 0));
	char answer[32] = "";

	snprintf(there.sun_path, sizeof(there.sun_path), "%s", path);
	MUST(connect(server, (const struct sockaddr *)&there, sizeof(there)));
	CHECK(write(server, what, strlen(what)) > 0, "said");
	ssize_t length = read(server, answer, sizeof(answer) - 1);
	printf("%s\n", length > 0 ? answer : "ended");
	exit(0);
}

int main(int argc, char **argv)
{
	int server = -1, signal;

	if (argc > 1 && strcmp(argv[1], "serve") == 0) serve(argc, argv);
	if (argc > 3 && strcmp(argv[1], "say") == 0) say(argv[2], argv[3]);
	sigaddset(&target_go, SIGHUP);
	sigprocmask(SIG_BLOCK, &target_go, NULL);
	ready();
	while ((signal = sigwaitinfo(&target_go, NULL)) != SIGTERM) {
		if (signal != SIGHUP) continue;
		server = MUST(socket(AF_UNIX, SOCK_SEQPACKET, 0));
		MUST(connect(server, (const struct sockaddr *)&place, sizeof(place)));
		ask(server);
		dprintf(1, "CONNECTED\n");
	}
	if (server >= 0) ask(server);
	dprintf(1, "PASS\n");
	_exit(42);
}
