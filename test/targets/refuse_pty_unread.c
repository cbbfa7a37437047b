/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pseudo terminal into which more has been typed than its line discipline
 * takes.
 * @needs: none
 * @expect: refuse terminal /dev/pts/0 has unread data; remedy: try again once
 * it is read
 */
#include "target.h"
#include <sys/ioctl.h>
#include <termios.h>

#define BURST 6000

int main(void)
{
	static char content[BURST], got[BURST];
	struct termios mode;
	int master = MUST(posix_openpt(O_RDWR | O_NOCTTY)), waiting = 0;
	MUST(unlockpt(master));
	int slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
	MUST(tcgetattr(slave, &mode));
	cfmakeraw(&mode);
	MUST(tcsetattr(slave, TCSANOW, &mode));
	for (int i = 0; i < BURST; i++)
		content[i] = (char)(i * 7 + i / 251);
	CHECK_EQ("write", BURST, write(master, content, BURST));
	while (waiting < 4095)
		MUST(ioctl(slave, FIONREAD, &waiting));

	ready_and_wait();

	for (int at = 0; at < BURST;)
		at += MUST(read(slave, got + at, BURST - at));
	CHECK(memcmp(got, content, BURST) == 0, "all of it");
	pass();
}
