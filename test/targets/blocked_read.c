/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocked in read of a pipe, write to a full pipe, recv, accept and wait4.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/socket.h>
#include <sys/un.h>

static char page[4096];
static int empty[2], full[2], pair[2], listener;
static const struct sockaddr_un address = {AF_UNIX, "\0blocked"};

static void in_read(void *arg)
{
	char text[8] = "";
	(void)arg;
	arrived();
	CHECK_EQ("read", 3, read(empty[0], text, sizeof(text)));
	CHECK_STR("what was read", "abc", text);
}

static void in_write(void *arg)
{
	(void)arg;
	arrived();
	CHECK_EQ("write", sizeof(page), write(full[1], page, sizeof(page)));
}

static void in_recv(void *arg)
{
	char text[8] = "";
	(void)arg;
	arrived();
	CHECK_EQ("recv", 2, recv(pair[0], text, sizeof(text), 0));
	CHECK_STR("what was received", "xy", text);
}

static void in_accept(void *arg)
{
	char byte = 0;
	(void)arg;
	arrived();
	int fd = MUST(accept(listener, NULL, NULL));
	CHECK_EQ("read of the accepted", 1, read(fd, &byte, 1));
	CHECK_EQ("byte", 'c', byte);
}

static void sleeper(void *arg)
{
	(void)arg;
	arrived();
	wait_for_go();
	_exit(5);
}

static void in_wait(void *arg)
{
	int status = 0;
	pid_t child = spawn(sleeper, NULL);
	if (write((int)(long)arg, &child, sizeof(child)) != sizeof(child)) FAIL("report");
	arrived();
	CHECK_EQ("wait4", child, waitpid(child, &status, 0));
	CHECK_EQ("status", 5, WEXITSTATUS(status));
}

static void wake_all(pid_t sleeping)
{
	if (write(empty[1], "abc", 3) != 3) FAIL("write");
	CHECK_EQ("drain", 4096, read(full[0], page, sizeof(page)));
	if (send(pair[1], "xy", 2, 0) != 2) FAIL("send");
	int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(connect(fd, (const struct sockaddr *)&address, sizeof(address)));
	if (write(fd, "c", 1) != 1) FAIL("write");
	MUST(kill(sleeping, SIGTERM));
}

int main(void)
{
	int report[2];
	pid_t pids[5], sleeping;
	MUST(pipe(empty));
	MUST(pipe(full));
	MUST(pipe(report));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(bind(listener, (const struct sockaddr *)&address, sizeof(address)));
	MUST(listen(listener, 4));
	int size = MUST(fcntl(full[1], F_GETPIPE_SZ));
	for (int i = 0; i < size / 4096; i++)
		if (write(full[1], page, sizeof(page)) != (ssize_t)sizeof(page)) FAIL("filling the pipe");

	void (*bodies[5])(void *) = {in_read, in_write, in_recv, in_accept, in_wait};
	for (int i = 0; i < 5; i++) pids[i] = spawn(bodies[i], (void *)(long)report[1]);
	if (read(report[0], &sleeping, sizeof(sleeping)) != sizeof(sleeping)) FAIL("report");

	ready_and_wait();

	wake_all(sleeping);
	for (int i = 0; i < 5; i++) expect_exit(pids[i], 0);
	pass();
}
