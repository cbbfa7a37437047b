/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages queued with their senders' credentials (SO_PASSCRED), from several processes.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/socket.h>

static int pair[2];

static void sender(void *arg)
{
	char byte = (char)(long)arg;
	MUST(setresuid((uid_t)(long)arg, (uid_t)(long)arg, (uid_t)(long)arg));
	CHECK_EQ("send", 1, send(pair[0], &byte, 1, 0));
	arrived();
	wait_for_go();
}

static void expect_from(char byte, pid_t pid, uid_t uid)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct ucred sent;
	char got = 0;
	struct iovec data = {&got, 1};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	CHECK_EQ("recvmsg", 1, recvmsg(pair[1], &message, MSG_DONTWAIT));
	CHECK_EQ("byte", byte, got);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	CHECK(header && header->cmsg_type == SCM_CREDENTIALS, "credentials come along");
	memcpy(&sent, CMSG_DATA(header), sizeof(sent));
	CHECK_EQ("pid of the sender", pid, sent.pid);
	CHECK_EQ("uid of the sender", uid, sent.uid);
}

int main(void)
{
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	MUST(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)));
	pid_t one = spawn(sender, (void *)65L), two = spawn(sender, (void *)66L);

	ready_and_wait();

	expect_from(65, one, 65);
	expect_from(66, two, 66);
	CHECK_EQ("send", 1, send(pair[0], "x", 1, 0));
	expect_from('x', 1, 0);
	MUST(kill(one, SIGTERM));
	expect_exit(one, 0);
	finish(two);
	pass();
}
