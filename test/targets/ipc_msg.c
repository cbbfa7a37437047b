/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System V message queues: messages in their order, empty ones too; creators, owners, modes and sizes. A
 * checkpoint removes none of them, and does not count as a reader.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/ipc.h>
#include <sys/msg.h>

struct message {
	long type;
	char text[8192];
};

static struct message message;

static void send(int queue, long type, size_t length)
{
	message.type = type;
	fill(message.text, length, (unsigned)type);
	MUST(msgsnd(queue, &message, length, 0));
}

static void receive(int queue, long wanted, long type, size_t length)
{
	memset(&message, 0, sizeof(message));
	CHECK_EQ("msgrcv", length, msgrcv(queue, &message, sizeof(message.text), wanted, IPC_NOWAIT));
	CHECK_EQ("type", type, message.type);
	check_fill("text", message.text, length, (unsigned)type);
}

int main(void)
{
	struct msqid_ds facts;
	int removed = MUST(msgget(IPC_PRIVATE, 0600));
	int queue = MUST(msgget(0x1237, IPC_CREAT | 0600)), empty = MUST(msgget(IPC_PRIVATE, 0622));
	MUST(setegid(1001));
	MUST(seteuid(1000));
	int foreign = MUST(msgget(0x1238, IPC_CREAT | 0604));
	MUST(seteuid(0));
	MUST(setegid(0));
	MUST(msgctl(removed, IPC_RMID, NULL)); /* So that ids are not a new namespace's. */
	send(queue, 5, 8);
	send(queue, 3, 8192);
	send(queue, 5, 0);
	send(queue, 0x123456789abcdef, 1);
	MUST(msgctl(empty, IPC_STAT, &facts));
	facts.msg_perm.uid = 33;
	facts.msg_qbytes = 100;
	MUST(msgctl(empty, IPC_SET, &facts));

	ready_and_wait();

	CHECK_EQ("id by key", queue, msgget(0x1237, 0));
	MUST(msgctl(queue, IPC_STAT, &facts));
	CHECK_EQ("messages", 4, facts.msg_qnum);
	CHECK_EQ("never read", 0, facts.msg_rtime);
	CHECK_EQ("nor by anybody", 0, facts.msg_lrpid);
	receive(queue, 3, 3, 8192);
	receive(queue, 0, 5, 8);
	receive(queue, 0, 5, 0);
	receive(queue, 0, 0x123456789abcdef, 1);
	CHECK_EQ("no more", -1, msgrcv(queue, &message, 1, 0, IPC_NOWAIT));
	MUST(msgctl(empty, IPC_STAT, &facts));
	CHECK_EQ("uid", 33, facts.msg_perm.uid);
	CHECK_EQ("mode", 0622, facts.msg_perm.mode);
	CHECK_EQ("size", 100, facts.msg_qbytes);
	MUST(msgctl(foreign, IPC_STAT, &facts));
	CHECK_EQ("creator", 1000, facts.msg_perm.cuid);
	CHECK_EQ("its group", 1001, facts.msg_perm.cgid);
	CHECK_EQ("owner", 1000, facts.msg_perm.uid);
	pass();
}
