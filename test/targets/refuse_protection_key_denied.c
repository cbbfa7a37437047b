/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that denies itself writes to memory without a key, and so to what an engine would give it.
 * @needs: cpu:ospke
 * @expect: refuse denies itself memory without a protection key \(pkey_set\), which is not supported
 * @varies: rest
 */
#include "keys.h"
#include <pthread.h>
#include <sys/rseq.h>

#define UNREGISTER 1

static volatile int is_denied, may_end;

/* Without a write to the stack, which has key 0. */
static void *body(void *arg)
{
	(void)arg;
	/* To which the kernel would write. */
	void *area = (char *)__builtin_thread_pointer() + __rseq_offset;
	MUST(syscall(SYS_rseq, area, 32, UNREGISTER, RSEQ_SIG));
	__asm__ volatile("movl $1, %0\n\t"
			 "movl $0x55555556, %%eax\n\t"
			 "wrpkru\n"
			 "1:\tpause\n\t"
			 "cmpl $0, %1\n\t"
			 "je 1b\n\t"
			 "movl $0x55555554, %%eax\n\t"
			 "wrpkru"
			 : "+m"(is_denied)
			 : "m"(may_end), "c"(0), "d"(0)
			 : "eax", "memory");
	return NULL;
}

int main(void)
{
	pthread_t thread;
	CHECK_EQ("pthread_create", 0, pthread_create(&thread, NULL, body, NULL));
	while (!is_denied) continue;
	usleep(10000); /* It says so before. */

	ready_and_wait();

	may_end = 1;
	CHECK_EQ("join", 0, pthread_join(thread, NULL));
	pass();
}
