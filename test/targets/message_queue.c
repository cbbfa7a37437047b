/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX message queues: one that nobody has open, one that is full and open several times, also in a child; one that was
 * removed, and another that has its name. Messages keep priority and order, queues their sizes, owners and modes.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <mqueue.h>
#include <sys/stat.h>

static mqd_t shared;

static mqd_t make(const char *name, int flags, long most, long size)
{
	struct mq_attr attributes = {.mq_maxmsg = most, .mq_msgsize = size};
	mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL | flags, 0600, &attributes);
	if (queue < 0 && errno == ENOSYS) SKIP("a kernel without message queues");
	return MUST(queue);
}

static void say(mqd_t queue, const char *text, unsigned priority)
{
	MUST(mq_send(queue, text, strlen(text), priority));
}

static void expect_text(mqd_t queue, const char *expected, unsigned expected_priority)
{
	char text[64] = "";
	unsigned priority = 0;
	CHECK_EQ("receive", (ssize_t)strlen(expected), mq_receive(queue, text, sizeof(text), &priority));
	CHECK_STR("text", expected, text);
	CHECK_EQ("priority", expected_priority, priority);
}

static void child(void *arg)
{
	(void)arg;
	arrived();
	wait_for_go();
	expect_text(shared, "first", 7);
	expect_text(shared, "second", 7);
}

int main(void)
{
	struct mq_attr attributes;
	struct stat status;
	char text[64];
	mqd_t closed = make("/letters", 0, 4, 16);
	say(closed, "letter", 1);
	say(closed, "", 0);
	MUST(fchmod(closed, 0640));
	MUST(fchown(closed, 12, 34));
	MUST(mq_close(closed));
	shared = make("/full", 0, 5, 64);
	say(shared, "last", 0);
	say(shared, "first", 7);
	say(shared, "third", 5);
	say(shared, "second", 7);
	say(shared, "fourth", 5);
	mqd_t reader = MUST(mq_open("/full", O_RDONLY | O_NONBLOCK));
	mqd_t removed = make("/gone", O_NONBLOCK, 2, 8);
	say(removed, "old", 32767);
	MUST(mq_unlink("/gone"));
	mqd_t empty = make("/gone", O_NONBLOCK, 3, 9);
	pid_t pid = spawn(child, NULL);

	ready_and_wait();

	CHECK(mq_send(reader, "x", 1, 0) == -1 && errno == EBADF, "open for reading only");
	struct timespec now = {0};
	CHECK(mq_timedsend(shared, "x", 1, 0, &now) == -1 && errno == ETIMEDOUT, "a full queue");
	finish(pid);
	expect_text(reader, "third", 5);
	expect_text(shared, "fourth", 5);
	expect_text(reader, "last", 0);
	CHECK(mq_receive(reader, text, sizeof(text), NULL) == -1 && errno == EAGAIN, "an empty queue");
	expect_text(removed, "old", 32767);
	CHECK(mq_receive(empty, text, sizeof(text), NULL) == -1 && errno == EAGAIN, "another empty queue");
	MUST(mq_getattr(empty, &attributes));
	CHECK_EQ("flags", O_NONBLOCK, attributes.mq_flags);
	CHECK_EQ("messages", 3, attributes.mq_maxmsg);
	CHECK_EQ("size", 9, attributes.mq_msgsize);
	mqd_t again = MUST(mq_open("/gone", O_WRONLY));
	say(again, "new", 0);
	expect_text(empty, "new", 0);
	MUST(mq_unlink("/gone"));
	CHECK(mq_open("/gone", O_RDONLY) == -1 && errno == ENOENT, "nothing has the name of the removed one");
	closed = MUST(mq_open("/letters", O_RDONLY));
	MUST(fstat(closed, &status));
	CHECK_EQ("mode", 0640, status.st_mode & 07777);
	CHECK_EQ("owner", 12, status.st_uid);
	CHECK_EQ("group", 34, status.st_gid);
	expect_text(closed, "letter", 1);
	expect_text(closed, "", 0);
	pass();
}
