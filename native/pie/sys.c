/* SPDX-License-Identifier: Apache-2.0 */
#include "sys.h"

#define SOL_SOCKET_ 1
#define SCM_RIGHTS_ 1
#define MSG_CMSG_CLOEXEC_ 0x40000000

struct message_header {
	void *name;
	u32 name_length;
	struct iov *vector;
	u64 vector_length;
	void *control;
	u64 control_length;
	u32 flags;
};

struct control {
	u64 length;
	int level;
	int type;
	int fds[MAX_FDS];
};

s64 receive(int sock, void *message, u64 size, int *fds, int *count)
{
	struct control control;
	struct iov vector = { message, size };
	struct message_header header;
	s64 got;

	zero(&header, sizeof(header));
	header.vector = &vector;
	header.vector_length = 1;
	header.control = &control;
	header.control_length = sizeof(control);
	*count = 0;
	do
		got = sys3(__NR_recvmsg, sock, &header, MSG_CMSG_CLOEXEC_);
	while (got == -E_INTR);
	if (got > 0 && header.control_length >= 16 && control.level == SOL_SOCKET_ &&
	    control.type == SCM_RIGHTS_) {
		*count = (int)((control.length - 16) / sizeof(int));
		copy(fds, control.fds, (u64)*count * sizeof(int));
	}
	return got;
}
