/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Terminals whose master was closed, as in daemons that were started from a shell: one open twice, and a live one
 * beside it.
 * @needs: none
 * @expect: restore
 * @varies: fds
 */
#include "target.h"
#include <poll.h>
#include <termios.h>

static int open_slave(int *master)
{
	*master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
	MUST(unlockpt(*master));
	return MUST(open(ptsname(*master), O_RDWR | O_NOCTTY));
}

static void check_hung_up(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	struct termios mode;
	char byte;
	CHECK_EQ("poll", 1, poll(&wait, 1, 0));
	CHECK(wait.revents & POLLHUP, "hung up");
	CHECK_EQ("read", 0, read(fd, &byte, 1));
	CHECK(write(fd, "x", 1) == -1 && errno == EIO, "write");
	CHECK(tcgetattr(fd, &mode) == -1 && errno == EIO, "ioctl");
	CHECK(isatty(fd) == 0, "isatty");
}

int main(void)
{
	int master, living_master;
	char text[16] = "";
	int slave = open_slave(&master);
	int other = MUST(open(ptsname(master), O_RDONLY | O_NOCTTY | O_NONBLOCK));
	int living = open_slave(&living_master);
	MUST(close(master));
	check_hung_up(slave);

	ready_and_wait();

	check_hung_up(slave);
	struct pollfd wait = {.fd = other, .events = POLLIN};
	CHECK_EQ("poll", 1, poll(&wait, 1, 0));
	CHECK(wait.revents & POLLHUP, "the other is hung up, too");
	CHECK_EQ("flags", O_NONBLOCK, fcntl(other, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	CHECK_EQ("write", 3, write(living, "abc", 3));
	CHECK_EQ("read", 3, read(living_master, text, sizeof(text)));
	pass();
}
