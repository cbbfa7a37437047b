/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unix sockets that are bound under one name and then moved to the one clients use: by link and unlink, as
 * supervisord does, by rename, by a rename of their folder, and by a link that leaves both names. On a tmpfs, and
 * in the root filesystem. Whatever is at the first name by now stays there.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define COUNT 4
static const char *const names[COUNT] = {"/run/linked", "/run/renamed", "/data/linked", "/data/renamed"};
static const char *const in_folder[] = {"/data/app.new/./socket", "/data/app/socket"};
static const char *const both[] = {"/data/one", "/data/two"};

static struct sockaddr_un address(const char *name, const char *suffix)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	snprintf(at.sun_path, sizeof(at.sun_path), "%s%s", name, suffix);
	return at;
}

static int listening(const struct sockaddr_un *at)
{
	int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	MUST(bind(fd, (const struct sockaddr *)at, sizeof(*at)));
	MUST(listen(fd, 3));
	return fd;
}

static int listen_at(const char *name)
{
	struct sockaddr_un first = address(name, ".new");
	int fd = listening(&first);
	if (strstr(name, "linked")) {
		MUST(link(first.sun_path, name));
		MUST(unlink(first.sun_path));
	} else MUST(rename(first.sun_path, name));
	return fd;
}

static void check(int fd, const char *now, const char *bound)
{
	struct sockaddr_un at = address(now, ""), got = {0};
	socklen_t length = sizeof(got);
	int client = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
	if (connect(client, (struct sockaddr *)&at, sizeof(at)) != 0) FAIL("connect to %s: %s", now, strerror(errno));
	MUST(accept(fd, NULL, NULL));
	MUST(getsockname(fd, (struct sockaddr *)&got, &length));
	CHECK_STR("address", bound, got.sun_path);
}

int main(void)
{
	struct sockaddr_un at;
	int fds[COUNT], folder, links, later;
	for (int i = 0; i < COUNT; i++) fds[i] = listen_at(names[i]);
	MUST(mkdir("/data/app.new", 0750));
	at = address(in_folder[0], "");
	folder = listening(&at);
	MUST(rename("/data/app.new", "/data/app"));
	at = address(both[0], "");
	links = listening(&at);
	MUST(link(both[0], both[1]));
	at = address(names[3], ".new"); /* where another was bound before */
	later = listening(&at);
	close(MUST(open("/data/linked.new", O_CREAT | O_WRONLY, 0600)));

	ready_and_wait();

	for (int i = 0; i < COUNT; i++) {
		at = address(names[i], ".new");
		check(fds[i], names[i], at.sun_path);
	}
	CHECK(access("/run/linked.new", F_OK) == -1 && errno == ENOENT, "the first name is gone");
	CHECK(access("/run/renamed.new", F_OK) == -1 && errno == ENOENT, "the first name is gone");
	CHECK(access("/data/app.new", F_OK) == -1 && errno == ENOENT, "the first folder is gone");
	MUST(access("/data/linked.new", F_OK));
	check(folder, in_folder[1], in_folder[0]);
	for (int i = 0; i < 2; i++) check(links, both[i], both[0]);
	check(later, "/data/renamed.new", "/data/renamed.new");
	pass();
}
