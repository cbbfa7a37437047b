/* SPDX-License-Identifier: Apache-2.0 */
/* Ports and abstract names that nobody else uses: those of a network namespace that the caller makes. */
#ifndef OWN_NETWORK_H
#define OWN_NETWORK_H

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Enters a network namespace of its own, whose loopback device is up; -1 with errno. */
static int enter_own_network(void)
{
	struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd, result;

	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		return -1;
	result = ioctl(fd, SIOCSIFFLAGS, &loopback);
	close(fd);
	return result;
}

#endif
