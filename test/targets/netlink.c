/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A netlink socket that is bound and idle.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

int main(void)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_pid = 4711}, got;
	struct {
		struct nlmsghdr head;
		struct ifinfomsg body;
	} request = {{sizeof(request), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0}, {0}};
	char answer[8192];
	socklen_t length = sizeof(got);
	int fd = MUST(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
	MUST(bind(fd, (struct sockaddr *)&address, sizeof(address)));

	ready_and_wait();

	MUST(getsockname(fd, (struct sockaddr *)&got, &length));
	CHECK_EQ("port id", 4711, got.nl_pid);
	MUST(send(fd, &request, sizeof(request), 0));
	CHECK(recv(fd, answer, sizeof(answer), 0) > (ssize_t)sizeof(struct nlmsghdr), "an answer");
	CHECK_EQ("kind of the answer", RTM_NEWLINK, ((struct nlmsghdr *)answer)->nlmsg_type);
	pass();
}
