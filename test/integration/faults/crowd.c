/* SPDX-License-Identifier: Apache-2.0 */
/* Ten processes of four threads each, all of which work a little all the time. Told to go, it ends. */
#include "../../targets/target.h"

#include <pthread.h>

#define PROCESSES 10
#define THREADS 4
#define PAGES 64
#define PAGE 4096

static unsigned char memory[THREADS][PAGES * PAGE];

static void *work(void *own)
{
	for (unsigned char round = 0;; round++) {
		struct timespec nap = { 0, 1000000 };

		memset(own, round, PAGES * PAGE);
		nanosleep(&nap, NULL);
	}
	return NULL;
}

static void start(int threads)
{
	for (int i = 0; i < threads; i++) {
		pthread_t id;

		if (pthread_create(&id, NULL, work, memory[i]) != 0) FAIL("pthread_create");
	}
}

static void child(void *unused)
{
	(void)unused;
	start(THREADS - 1);
	arrived();
	work(memory[THREADS - 1]);
}

int main(void)
{
	for (int i = 1; i < PROCESSES; i++) spawn(child, NULL);
	start(THREADS - 1);
	ready_and_wait();
	pass();
}
