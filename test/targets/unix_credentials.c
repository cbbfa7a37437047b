/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unread messages with credentials (SCM_CREDENTIALS): given by their senders, of other processes in a stream, together
 * with descriptors, and of messages that were sent before anybody asked; pidfds of senders (SCM_PIDFD).
 * @needs: kernel>=6.5
 * @expect: restore
 */
#include "target.h"
#include <sys/socket.h>
#include <sys/syscall.h>

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#define SCM_PIDFD_TYPE 4

static int stream[2], datagrams[2], pidfds[2];

struct got {
	struct ucred sender;
	int has_sender, fd, pidfd;
};

static struct got take(int socket, const char *text)
{
	struct got got = {.fd = -1, .pidfd = -1};
	char control[256] __attribute__((aligned(8))), bytes[64] = "";
	struct iovec data = {bytes, sizeof(bytes)};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control,
				 .msg_controllen = sizeof(control)};
	CHECK_EQ(text, strlen(text), recvmsg(socket, &message, MSG_DONTWAIT));
	CHECK_STR("text", text, bytes);
	for (struct cmsghdr *one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one)) {
		if (one->cmsg_type == SCM_RIGHTS) memcpy(&got.fd, CMSG_DATA(one), sizeof(int));
		if (one->cmsg_type == SCM_PIDFD_TYPE) memcpy(&got.pidfd, CMSG_DATA(one), sizeof(int));
		if (one->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&got.sender, CMSG_DATA(one), sizeof(got.sender));
			got.has_sender = 1;
		}
	}
	return got;
}

/* Says that it is somebody else, with a descriptor or without. */
static void send_as(int socket, const char *text, struct ucred who, int fd)
{
	char control[CMSG_SPACE(sizeof(who)) + CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = {0};
	struct iovec data = {(void *)text, strlen(text)};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control,
				 .msg_controllen = fd < 0 ? CMSG_SPACE(sizeof(who)) : sizeof(control)};
	struct cmsghdr *one = CMSG_FIRSTHDR(&message);
	*one = (struct cmsghdr){CMSG_LEN(sizeof(who)), SOL_SOCKET, SCM_CREDENTIALS};
	memcpy(CMSG_DATA(one), &who, sizeof(who));
	if (fd >= 0) {
		one = (struct cmsghdr *)(control + CMSG_SPACE(sizeof(who)));
		*one = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
		memcpy(CMSG_DATA(one), &fd, sizeof(fd));
	}
	CHECK_EQ(text, strlen(text), sendmsg(socket, &message, 0));
}

static void sender(void *arg)
{
	MUST(setresgid(8, 8, (gid_t)(long)arg));
	MUST(setresuid(7, 7, 7));
	CHECK_EQ("send", 5, send(stream[0], "child", 5, 0));
	CHECK_EQ("send", 5, send(pidfds[0], "child", 5, 0));
	arrived();
	wait_for_go();
}

static void expect_sender(struct got got, pid_t pid, uid_t uid, gid_t gid)
{
	CHECK(got.has_sender, "credentials come along");
	CHECK_EQ("pid", pid, got.sender.pid);
	CHECK_EQ("uid", uid, got.sender.uid);
	CHECK_EQ("gid", gid, got.sender.gid);
}

int main(void)
{
	int on = 1;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, stream));
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams));
	MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pidfds));
	CHECK_EQ("send", 5, send(datagrams[0], "early", 5, 0));
	MUST(setsockopt(stream[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	MUST(setsockopt(datagrams[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	MUST(setsockopt(pidfds[1], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on)));
	CHECK_EQ("send", 4, send(stream[0], "init", 4, 0));
	pid_t child = spawn(sender, (void *)8L);
	CHECK_EQ("send", 5, send(stream[0], "again", 5, 0));
	send_as(datagrams[0], "child", (struct ucred){1, 5, 6}, -1);
	send_as(datagrams[0], "file", (struct ucred){1, 3, 4}, stream[0]);

	ready_and_wait();

	expect_sender(take(datagrams[1], "early"), 0, 65534, 65534);
	expect_sender(take(datagrams[1], "child"), 1, 5, 6);
	struct got got = take(datagrams[1], "file");
	expect_sender(got, 1, 3, 4);
	CHECK(got.fd >= 0, "a descriptor comes along");
	expect_sender(take(stream[1], "init"), 1, 0, 0);
	expect_sender(take(stream[1], "child"), child, 7, 8);
	expect_sender(take(stream[1], "again"), 1, 0, 0);
	CHECK_EQ("send", 3, send(got.fd, "fd!", 3, 0));
	expect_sender(take(stream[1], "fd!"), 1, 0, 0);
	got = take(pidfds[1], "child");
	CHECK(got.pidfd >= 0 && !got.has_sender, "a pidfd comes along");
	MUST(syscall(SYS_pidfd_send_signal, got.pidfd, SIGTERM, NULL, 0));
	expect_exit(child, 0);
	pass();
}
