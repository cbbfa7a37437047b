/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A POSIX message queue that nobody has open, without a mount that would show it.
 * @needs: none
 * @expect: refuse message queue /letters: .*remedy
 */
#include "target.h"
#include <mqueue.h>

int main(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 16};
	char text[16] = "";
	mqd_t queue = mq_open("/letters", O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);
	if (queue < 0 && errno == ENOSYS) SKIP("a kernel without message queues");
	MUST(queue);
	MUST(mq_send(queue, "letter", 7, 1));
	MUST(mq_close(queue));

	ready_and_wait();

	queue = MUST(mq_open("/letters", O_RDONLY));
	CHECK_EQ("receive", 7, mq_receive(queue, text, sizeof(text), NULL));
	CHECK_STR("text", "letter", text);
	MUST(mq_unlink("/letters"));
	pass();
}
