/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that is to be told of the next message in a POSIX queue (mq_notify(3)).
 * @needs: none
 * @expect: refuse fd \d+: a message queue with mq_notify\(3\) cannot be restored; remedy
 */
#include "target.h"
#include <mqueue.h>

int main(void)
{
	sigset_t told;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	mqd_t queue = mq_open("/news", O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
	if (queue < 0 && errno == ENOSYS) SKIP("a kernel without message queues");
	MUST(queue);
	sigemptyset(&told);
	sigaddset(&told, SIGUSR1);
	MUST(sigprocmask(SIG_BLOCK, &told, NULL));
	MUST(mq_notify(queue, &event));

	ready_and_wait();

	MUST(mq_send(queue, "news", 4, 0));
	MUST(sigpending(&told));
	CHECK_EQ("signal", 1, sigismember(&told, SIGUSR1));
	MUST(mq_unlink("/news"));
	pass();
}
