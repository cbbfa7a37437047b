/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of processes joined by pipes, with data in flight: none is lost or comes twice, and the ends come at the
 * right time.
 * @needs: none
 * @expect: restore
 */
#include "target.h"

#define STAGES 4

static int links[STAGES + 1][2];

static void stage(void *arg)
{
	long index = (long)arg;
	unsigned char byte;
	for (int i = 0; i <= STAGES; i++) {
		if (i != index) close(links[i][0]);
		if (i != index + 1) close(links[i][1]);
	}
	arrived();
	wait_for_go();
	while (read(links[index][0], &byte, 1) == 1) {
		byte++;
		CHECK_EQ("write", 1, write(links[index + 1][1], &byte, 1));
	}
}

int main(void)
{
	pid_t pids[STAGES];
	unsigned char bytes[256];
	for (int i = 0; i <= STAGES; i++) MUST(pipe(links[i]));
	for (long i = 0; i < STAGES; i++) pids[i] = spawn(stage, (void *)i);
	for (int i = 1; i < STAGES; i++) close(links[i][0]);
	for (int i = 1; i <= STAGES; i++) close(links[i][1]);
	for (int i = 0; i < 256; i++) bytes[i] = (unsigned char)i;
	CHECK_EQ("write", 256, write(links[0][1], bytes, 256));

	ready_and_wait();

	close(links[0][0]);
	close(links[0][1]);
	for (int i = 0; i < STAGES; i++) finish(pids[i]);
	for (int i = 0; i < 256; i++) {
		CHECK_EQ("read", 1, read(links[STAGES][0], bytes, 1));
		CHECK_EQ("byte", (unsigned char)(i + STAGES), bytes[0]);
	}
	CHECK_EQ("end", 0, read(links[STAGES][0], bytes, 1));
	pass();
}
