/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors in flight over a unix socket (SCM_RIGHTS), queued and not yet received.
 * @needs: none
 * @expect: refuse SCM_RIGHTS
 */
#include "target.h"
#include <sys/socket.h>

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void send_fd(int socket, int fd)
{
	union control control = {{0}};
	struct iovec data = {"f", 1};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	CHECK_EQ("sendmsg", 1, sendmsg(socket, &message, 0));
}

static int receive_fd(int socket)
{
	char byte = 0;
	int fd = -1;
	union control control = {{0}};
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	CHECK_EQ("recvmsg", 1, recvmsg(socket, &message, MSG_DONTWAIT));
	CHECK_EQ("byte", 'f', byte);
	CHECK(CMSG_FIRSTHDR(&message) != NULL, "a control message");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

int main(void)
{
	int pair[2], gate[2];
	char text[8] = "";
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	MUST(pipe(gate));
	int file = MUST(open("/data/sent", O_RDWR | O_CREAT, 0600));
	CHECK_EQ("write", 6, write(file, "inside", 6));
	send_fd(pair[0], gate[1]);
	close(gate[1]);
	send_fd(pair[0], file);
	close(file);

	ready_and_wait();

	int writer = receive_fd(pair[1]), received = receive_fd(pair[1]);
	CHECK_EQ("write", 4, write(writer, "pipe", 4));
	CHECK_EQ("read", 4, read(gate[0], text, 4));
	CHECK_STR("through the pipe", "pipe", text);
	CHECK_EQ("position", 6, lseek(received, 0, SEEK_CUR));
	CHECK_EQ("pread", 6, pread(received, text, 6, 0));
	CHECK_STR("of the file", "inside", text);
	pass();
}
