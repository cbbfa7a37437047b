/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inotify: watches on a directory and a file with their numbers; events after the restore arrive.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/inotify.h>
#include <sys/stat.h>

static int notify;

static void expect_event(int watch, unsigned mask, const char *name)
{
	char buffer[sizeof(struct inotify_event) + 256] __attribute__((aligned(8)));
	struct inotify_event *event = (struct inotify_event *)buffer;
	memset(buffer, 0, sizeof(buffer));
	ssize_t n = read(notify, buffer, sizeof(struct inotify_event) + (name ? 16 : 0));
	CHECK(n >= (ssize_t)sizeof(*event), "an event");
	CHECK_EQ("watch", watch, event->wd);
	CHECK_EQ("mask", mask, event->mask);
	if (name) CHECK_STR("name", name, event->name);
}

int main(void)
{
	notify = MUST(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
	MUST(mkdir("/tmp/watched", 0755));
	MUST(mkdir("/data/watched", 0755));
	int file = MUST(open("/data/file", O_RDWR | O_CREAT, 0600));
	int memory = MUST(inotify_add_watch(notify, "/tmp/watched", IN_CREATE | IN_DELETE));
	int removed = MUST(inotify_add_watch(notify, "/run", IN_CREATE));
	int disk = MUST(inotify_add_watch(notify, "/data/watched", IN_CREATE));
	int single = MUST(inotify_add_watch(notify, "/data/file", IN_MODIFY));
	MUST(inotify_rm_watch(notify, removed));
	expect_event(removed, IN_IGNORED, NULL);
	CHECK(read(notify, &(char[64]){0}, 64) == -1 && errno == EAGAIN, "no event yet");

	ready_and_wait();

	CHECK(read(notify, &(char[64]){0}, 64) == -1 && errno == EAGAIN, "no event by the restore");
	close(MUST(open("/tmp/watched/new", O_WRONLY | O_CREAT, 0600)));
	expect_event(memory, IN_CREATE, "new");
	MUST(unlink("/tmp/watched/new"));
	expect_event(memory, IN_DELETE, "new");
	close(MUST(open("/data/watched/also", O_WRONLY | O_CREAT, 0600)));
	expect_event(disk, IN_CREATE, "also");
	CHECK_EQ("write", 1, write(file, "x", 1));
	expect_event(single, IN_MODIFY, NULL);
	MUST(inotify_rm_watch(notify, single));
	expect_event(single, IN_IGNORED, NULL);
	pass();
}
