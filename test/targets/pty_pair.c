/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pty pairs whose two ends are the container's, one of them behind a gap in the numbers: modes, size, owner,
 * packet mode, exclusiveness; a master whose slave was closed, and one whose slave was never open.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

static int open_pair(int *slave)
{
	int master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
	MUST(grantpt(master));
	MUST(unlockpt(master));
	if (slave) *slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
	return master;
}

static void check_echo(int master, int slave, const char *mode)
{
	char text[32] = "";
	CHECK_EQ(mode, 6, write(master, "typed\n", 6));
	CHECK_EQ(mode, 6, read(slave, text, sizeof(text)));
	CHECK_STR(mode, "typed\n", text);
}

/* An echo comes in one packet or several, each with its mark. */
static void check_packets(int master, const char *expected)
{
	char text[64] = "", packet[32];
	size_t used = 0;

	while (used < strlen(expected)) {
		ssize_t n = MUST(read(master, packet, sizeof(packet)));
		CHECK(n > 1, "a packet");
		CHECK_EQ("mark of a packet", 0, packet[0]);
		memcpy(text + used, packet + 1, (size_t)n - 1);
		used += (size_t)n - 1;
	}
	CHECK_STR("echo", expected, text);
}

int main(void)
{
	int raw_slave, slave, gap, closed_slave, packets;
	char text[32] = "";
	struct termios mode;
	struct winsize size = {33, 101, 7, 9};
	struct stat status;

	int raw = open_pair(&raw_slave);
	gap = open_pair(NULL);
	int master = open_pair(&slave);
	int closed = open_pair(&closed_slave);
	int fresh = open_pair(NULL);
	int number = 0;
	MUST(ioctl(master, TIOCGPTN, &number));
	MUST(close(gap));
	MUST(close(closed_slave));

	MUST(tcgetattr(raw_slave, &mode));
	cfmakeraw(&mode);
	cfsetspeed(&mode, B9600);
	MUST(tcsetattr(raw_slave, TCSANOW, &mode));
	MUST(ioctl(raw_slave, TIOCEXCL));
	MUST(ioctl(master, TIOCSWINSZ, &size));
	MUST(fchown(slave, 12, 34));
	packets = 1;
	MUST(ioctl(master, TIOCPKT, &packets));
	MUST(fcntl(fresh, F_SETFL, O_NONBLOCK));

	ready_and_wait();

	int now = -1, exclusive = 0;
	MUST(ioctl(master, TIOCGPTN, &now));
	CHECK_EQ("number", number, now);

	MUST(tcgetattr(raw_slave, &mode));
	CHECK_EQ("raw mode", 0, mode.c_lflag & (ICANON | ECHO));
	CHECK_EQ("speed", B9600, cfgetospeed(&mode));
	MUST(ioctl(raw_slave, 0x80045440 /* TIOCGEXCL */, &exclusive));
	CHECK_EQ("exclusive", 1, exclusive);
	CHECK_EQ("write", 6, write(raw_slave, "answer", 6));
	CHECK_EQ("read", 6, read(raw, text, sizeof(text)));
	CHECK_STR("content", "answer", text);

	memset(&size, 0, sizeof(size));
	MUST(ioctl(slave, TIOCGWINSZ, &size));
	CHECK_EQ("rows", 33, size.ws_row);
	CHECK_EQ("columns", 101, size.ws_col);
	CHECK_EQ("pixels", 9, size.ws_ypixel);
	MUST(fstat(slave, &status));
	CHECK_EQ("uid", 12, status.st_uid);
	CHECK_EQ("gid", 34, status.st_gid);
	check_echo(master, slave, "canonical");
	check_packets(master, "typed\r\n");

	CHECK(read(closed, text, 1) == -1 && errno == EIO, "a slave that was closed");
	CHECK(read(fresh, text, 1) == -1 && errno == EAGAIN, "a slave that never was open");
	int late = MUST(open(ptsname(fresh), O_RDWR | O_NOCTTY));
	check_echo(fresh, late, "opened late");
	pass();
}
