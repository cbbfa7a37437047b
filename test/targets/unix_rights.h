/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors over unix sockets (SCM_RIGHTS). */
#ifndef UNIX_RIGHTS_H
#define UNIX_RIGHTS_H

#include "target.h"
#include <sys/socket.h>

#define MOST_RIGHTS 253

union rights {
	char bytes[CMSG_SPACE(MOST_RIGHTS * sizeof(int))];
	struct cmsghdr align;
};

static void send_fds(int socket, const char *text, size_t size, const int *fds, int count)
{
	union rights control = {{0}};
	struct iovec data = {(void *)text, size};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
				 .msg_controllen = CMSG_SPACE(count * sizeof(int))};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	CHECK_EQ("sendmsg", size, sendmsg(socket, &message, 0));
}

/* Sends a descriptor and closes it. */
static void give(int socket, const char *text, int fd)
{
	send_fds(socket, text, strlen(text), &fd, 1);
	close(fd);
}

/* Receives at most `room` bytes, which must be `text`, and so many descriptors. */
static void take_fds(int socket, size_t room, const char *text, int *fds, int count)
{
	static char got[1 << 17];
	union rights control = {{0}};
	struct iovec data = {got, room};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	size_t size = strlen(text);
	CHECK_EQ(text, size, recvmsg(socket, &message, MSG_DONTWAIT));
	CHECK(memcmp(got, text, size) == 0, text);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (count == 0) {
		CHECK(header == NULL, text);
		return;
	}
	CHECK(header != NULL && header->cmsg_type == SCM_RIGHTS, "descriptors");
	CHECK_EQ("descriptors", CMSG_LEN(count * sizeof(int)), header->cmsg_len);
	memcpy(fds, CMSG_DATA(header), count * sizeof(int));
}

static int take(int socket, const char *text)
{
	int fd = -1;
	take_fds(socket, 1024, text, &fd, 1);
	return fd;
}

static void check_same(const char *what, int one, int other)
{
	/* Equal open files have one position and one set of flags; kcmp(2) is not always permitted. */
	int flags = MUST(fcntl(one, F_GETFL));
	MUST(fcntl(one, F_SETFL, flags ^ O_NONBLOCK));
	CHECK_EQ(what, flags ^ O_NONBLOCK, fcntl(other, F_GETFL));
	MUST(fcntl(one, F_SETFL, flags));
}

#endif
