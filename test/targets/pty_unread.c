/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pseudo terminals with unread data: lines, the end of input, a line that is
 * being typed, with keys that would do something to it if it were typed again;
 * raw bytes of all values; output, of a slave that was closed as well, and more
 * of it than fits into the master's own buffer, behind which a writer waits.
 * @needs: none
 * @expect: restore
 * @blind: refuse terminal /dev/pts/0 has unread data; remedy: try again once it is read
 */
#include "target.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

#define BURST 30000
#define FULL 3

static char content[BURST];

static int open_pair(int *slave)
{
	int master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
	MUST(grantpt(master));
	MUST(unlockpt(master));
	*slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
	return master;
}

static void set_raw(int fd)
{
	struct termios mode;
	MUST(tcgetattr(fd, &mode));
	cfmakeraw(&mode);
	MUST(tcsetattr(fd, TCSANOW, &mode));
}

static void set_echo(int fd, int on)
{
	struct termios mode;
	MUST(tcgetattr(fd, &mode));
	if (on)
		mode.c_lflag |= ECHO;
	else
		mode.c_lflag &= ~ECHO;
	mode.c_cc[VEOL] = ';';
	MUST(tcsetattr(fd, TCSANOW, &mode));
}

static void type(int master, const char *text, size_t length)
{
	CHECK_EQ("type", (long)length, write(master, text, length));
}

static void expect(int fd, const char *text, size_t length, const char *what)
{
	char got[BURST] = "";
	size_t used = 0;
	while (used < length) {
		ssize_t count = read(fd, got + used, length - used);
		if (count < 0)
			FAIL("%s: %s after %zu", what, strerror(errno), used);
		if (count == 0)
			break;
		used += count;
	}
	CHECK_EQ(what, (long)length, (long)used);
	CHECK(memcmp(got, text, length) == 0, what);
}

static void expect_nothing(int fd, const char *what)
{
	char byte;
	int flags = MUST(fcntl(fd, F_GETFL));
	MUST(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
	CHECK(read(fd, &byte, 1) == -1 && errno == EAGAIN, what);
	MUST(fcntl(fd, F_SETFL, flags));
}

/* Waits until the line discipline has taken what was typed. */
static void await_input(int fd, int bytes)
{
	int waiting = -1;
	while (waiting < bytes)
		MUST(ioctl(fd, FIONREAD, &waiting));
}

/* Writes pieces until there is no room for more; how much it was. */
static long fill_up(int master, int slave, int piece)
{
	long length = 0, count;
	set_raw(slave);
	MUST(fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK));
	for (int rests = 0; rests < 20;
	     rests++) { /* the line discipline takes a part of it in its own time */
		while ((count = write(slave, content + length, piece)) > 0)
			length += count;
		usleep(5000);
	}
	await_input(master, 4095);
	CHECK(length > 6000 && length < BURST - piece, "as much as there is room for");
	return length;
}

int main(void)
{
	int lines_slave, raw_slave, echo_slave, closed_slave, full[FULL], full_slave[FULL];
	const int pieces[FULL] = { 30, 700, 4096 };
	long length[FULL];
	char all[256], literal[] = { 'a', 26, 3, 'b', '\n', 0 };

	for (int i = 0; i < BURST; i++)
		content[i] = (char)(i * 7 + i / 251);
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;

	/* One line ends with a newline, one with a key of its own, one with the end
	 * of the input. */
	int lines = open_pair(&lines_slave);
	set_echo(lines_slave, 0);
	type(lines, "one\ntwo;three\004", 14);
	/* ^V makes plain bytes of the keys for stop, interrupt and erase. */
	type(lines, "a\026\032\026\003b\nhalf\026\177", 13);
	await_input(lines_slave, 18);

	int raw = open_pair(&raw_slave);
	set_raw(raw_slave);
	type(raw, all, 256);
	await_input(raw_slave, 256);

	int echo = open_pair(&echo_slave);
	type(echo, "typed\nha", 8);
	await_input(echo, 9);
	CHECK_EQ("write", 4, write(echo_slave, "out\n", 4));
	await_input(echo, 14);

	int closed = open_pair(&closed_slave);
	CHECK_EQ("write", 5, write(closed_slave, "last\n", 5));
	await_input(closed, 6);
	MUST(close(closed_slave));

	for (int i = 0; i < FULL; i++) {
		full[i] = open_pair(&full_slave[i]);
		length[i] = fill_up(full[i], full_slave[i], pieces[i]);
	}

	ready_and_wait();

	expect(lines_slave, "one\n", 4, "a line");
	expect(lines_slave, "two;", 4, "a line that ends otherwise");
	char byte[64];
	CHECK_EQ("before the end", 5, read(lines_slave, byte, sizeof(byte)));
	expect(lines_slave, literal, 5, "plain bytes");
	expect_nothing(lines_slave, "half a line");
	type(lines, "X\177\n", 3);
	expect(lines_slave, "half\177\n", 6, "the whole line");

	expect(raw_slave, all, 256, "all bytes");
	expect_nothing(raw_slave, "no more");

	expect(echo_slave, "typed\n", 6, "typed");
	expect_nothing(echo_slave, "half a word");
	expect(echo, "typed\r\nhaout\r\n", 14, "echo and output");
	expect_nothing(echo, "no more output");
	type(echo, "lf\n", 3);
	expect(echo_slave, "half\n", 5, "the whole word");
	expect(echo, "lf\r\n", 4, "its echo");

	expect(closed, "last\r\n", 6, "the last output");
	CHECK(read(closed, byte, 1) == -1 && errno == EIO, "and its end");

	for (int i = 0; i < FULL; i++) {
		expect(full[i], content, length[i], "much output");
		CHECK_EQ("write", 3, write(full_slave[i], "end", 3));
		expect(full[i], "end", 3, "and what follows");
		expect_nothing(full[i], "nothing more");
	}
	pass();
}
