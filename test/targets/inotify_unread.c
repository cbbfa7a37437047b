/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inotify events that nobody has read: kept while the container runs on. A copy reports in their place that events were
 * lost (IN_Q_OVERFLOW), once, also to those who poll; its watches have their numbers, and so have later ones.
 * @needs: none
 * @expect: restore
 * @warns: unread inotify events become IN_Q_OVERFLOW where=pid 1 \(target\) fd \d+ bytes=64
 */
#include "target.h"
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

static unsigned long inode_of(int fd)
{
	struct stat seen;
	MUST(fstat(fd, &seen));
	return seen.st_ino;
}

static int is_readable(int fd)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};
	return MUST(poll(&one, 1, 0));
}

static void expect_event(int notify, int watch, unsigned mask, const char *name)
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
	int notify = MUST(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)), bare = MUST(inotify_init1(IN_NONBLOCK)), ends[2];
	MUST(pipe(ends));
	unsigned long made_as = inode_of(ends[0]);
	MUST(mkdir("/tmp/watched", 0755));
	int removed = MUST(inotify_add_watch(notify, "/run", IN_CREATE));
	int watch = MUST(inotify_add_watch(notify, "/tmp/watched", IN_CREATE | IN_DELETE));
	MUST(inotify_rm_watch(notify, removed));
	expect_event(notify, removed, IN_IGNORED, NULL);
	close(MUST(open("/tmp/watched/early", O_WRONLY | O_CREAT, 0600)));
	MUST(unlink("/tmp/watched/early"));
	MUST(inotify_rm_watch(bare, MUST(inotify_add_watch(bare, "/tmp/watched", IN_CREATE))));

	ready_and_wait();

	CHECK(is_readable(notify) && is_readable(bare), "events wait");
	if (inode_of(ends[0]) == made_as) {
		expect_event(notify, watch, IN_CREATE, "early");
		expect_event(notify, watch, IN_DELETE, "early");
		expect_event(bare, 1, IN_IGNORED, NULL);
	} else {
		expect_event(notify, -1, IN_Q_OVERFLOW, NULL);
		expect_event(bare, -1, IN_Q_OVERFLOW, NULL);
		CHECK_EQ("the first watch", 1, MUST(inotify_add_watch(bare, "/tmp/watched", IN_CREATE)));
	}
	CHECK(!is_readable(notify) && !is_readable(bare), "no more events");
	close(MUST(open("/tmp/watched/new", O_WRONLY | O_CREAT, 0600)));
	expect_event(notify, watch, IN_CREATE, "new");
	MUST(inotify_rm_watch(notify, watch));
	expect_event(notify, watch, IN_IGNORED, NULL);
	CHECK_EQ("the next watch", watch + 1, MUST(inotify_add_watch(notify, "/tmp/watched", IN_CREATE)));
	pass();
}
