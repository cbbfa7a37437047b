/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets of a user other than root: owners, and the group of SO_REUSEPORT that they form.
 * @needs: none
 * @expect: restore
 */
#include "inet.h"
#include <linux/netlink.h>
#include <sys/stat.h>

#define USER 1234
#define GROUP 4321

static void become(uid_t uid, gid_t gid)
{
	if (uid == 0) MUST(seteuid(0));
	MUST(setegid(gid));
	if (uid != 0) MUST(seteuid(uid));
}

static int sharing(int type)
{
	int fd = MUST(socket(AF_INET, type, 0));
	set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	return fd;
}

static int try_bind(int fd, unsigned short port)
{
	union address a = loopback(AF_INET, port);
	return bind(fd, &a.any, length_of(&a));
}

static void check_owner(const char *what, int fd, uid_t uid, gid_t gid)
{
	struct stat status;
	MUST(fstat(fd, &status));
	CHECK_EQ(what, uid, status.st_uid);
	CHECK_EQ(what, gid, status.st_gid);
}

int main(void)
{
	int udp[2], tcp[2], pair[2], link, mine;
	mine = MUST(socket(AF_INET, SOCK_DGRAM, 0));
	become(USER, GROUP);
	for (int i = 0; i < 2; i++) {
		udp[i] = sharing(SOCK_DGRAM);
		tcp[i] = sharing(SOCK_STREAM);
		MUST(try_bind(udp[i], 7201));
		MUST(try_bind(tcp[i], 7202));
		MUST(listen(tcp[i], 3));
	}
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	link = MUST(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	become(0, 0);

	ready_and_wait();

	check_owner("root's", mine, 0, 0);
	for (int i = 0; i < 2; i++) {
		check_owner("UDP", udp[i], USER, GROUP);
		check_owner("TCP", tcp[i], USER, GROUP);
		check_owner("unix", pair[i], USER, GROUP);
	}
	check_owner("netlink", link, USER, GROUP);
	int strange = sharing(SOCK_DGRAM), strange_tcp = sharing(SOCK_STREAM);
	CHECK(try_bind(strange, 7201) == -1 && errno == EADDRINUSE, "root does not join the group");
	CHECK(try_bind(strange_tcp, 7202) == -1 && errno == EADDRINUSE, "root does not join the group");
	become(USER, GROUP);
	MUST(try_bind(sharing(SOCK_DGRAM), 7201));
	MUST(try_bind(sharing(SOCK_STREAM), 7202));
	pass();
}
