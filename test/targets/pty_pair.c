/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pty pair that is not the container's console, with data in it.
 * @needs: none
 * @expect: either pty|terminal|tty|ptmx
 */
#include "target.h"
#include <termios.h>

int main(void)
{
	char text[16] = "";
	int master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
	MUST(grantpt(master));
	MUST(unlockpt(master));
	int slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
	struct termios mode;
	MUST(tcgetattr(slave, &mode));
	cfmakeraw(&mode);
	MUST(tcsetattr(slave, TCSANOW, &mode));
	CHECK_EQ("write", 5, write(master, "typed", 5));

	ready_and_wait();

	CHECK_EQ("read", 5, read(slave, text, sizeof(text)));
	CHECK_STR("content", "typed", text);
	MUST(tcgetattr(slave, &mode));
	CHECK_EQ("raw mode", 0, mode.c_lflag & (ICANON | ECHO));
	CHECK_EQ("write", 6, write(slave, "answer", 6));
	CHECK_EQ("read", 6, read(master, text, sizeof(text)));
	pass();
}
