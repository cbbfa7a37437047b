/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipes and FIFOs of which one side is missing. Where there has never been a writer, poll(2) reports no hang-up,
 * and a loop over it must not spin; each reader keeps whether it has had a writer. Writers without a reader get
 * EPIPE. Unread data stays, even if nobody is left who could read it.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <poll.h>
#include <sys/stat.h>

static int events(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN };
	MUST(poll(&entry, 1, 0));
	return entry.revents;
}

static int reader(const char *path)
{
	return MUST(open(path, O_RDONLY | O_NONBLOCK));
}

static int writer(const char *path)
{
	return MUST(open(path, O_WRONLY | O_NONBLOCK));
}

static void expect(const char *what, int fd, const char *text)
{
	char got[16] = "";
	CHECK_EQ(what, (long)strlen(text), read(fd, got, sizeof(got) - 1));
	CHECK_STR(what, text, got);
}

static void check_events(int never, int gone, int early, int late, int deaf, int mute, int alone)
{
	CHECK_EQ("without a writer", 0, events(never));
	CHECK_EQ("after the last writer", POLLHUP, events(gone));
	CHECK_EQ("data, opened before the writer", POLLIN | POLLHUP, events(early));
	CHECK_EQ("data, opened after the writer", POLLIN, events(late));
	CHECK_EQ("writer after the last reader", POLLERR, events(deaf));
	CHECK_EQ("writer after the last reader, with data", POLLERR, events(mute));
	CHECK_EQ("pipe without a writer", POLLHUP, events(alone));
}

int main(void)
{
	int ends[2];
	const char *const paths[] = { "/tmp/never", "/data/gone", "/tmp/both", "/tmp/deaf",
				      "/tmp/mute" };
	for (int i = 0; i < 5; i++)
		MUST(mkfifo(paths[i], 0600));
	int never = reader(paths[0]), gone = reader(paths[1]);
	close(writer(paths[1]));
	int early = reader(paths[2]), once = writer(paths[2]);
	CHECK_EQ("write", 6, write(once, "unread", 6));
	close(once);
	int late = reader(paths[2]), quiet = reader(paths[3]), deaf = writer(paths[3]);
	close(quiet);
	quiet = reader(paths[4]);
	int mute = writer(paths[4]);
	CHECK_EQ("write", 6, write(mute, "nobody", 6));
	close(quiet);
	MUST(pipe(ends));
	close(ends[1]);
	signal(SIGPIPE, SIG_IGN);
	check_events(never, gone, early, late, deaf, mute, ends[0]);

	ready_and_wait();

	check_events(never, gone, early, late, deaf, mute, ends[0]);
	int fresh = writer(paths[0]);
	CHECK_EQ("write", 5, write(fresh, "hello", 5));
	CHECK_EQ("events with data", POLLIN, events(never));
	expect("data of a new writer", never, "hello");
	close(fresh);
	CHECK_EQ("its end", POLLHUP, events(never));
	expect("old data", late, "unread");
	CHECK(write(deaf, "x", 1) == -1 && errno == EPIPE, "nobody reads");
	expect("data that nobody read", reader(paths[4]), "nobody");
	pass();
}
