/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capability sets, each reduced differently, ambient ones, a smaller bounding set, and securebits.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define BIT(cap) (1u << (cap))
#define BITS                                                                                       \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_CAP_AMBIENT_RAISE)

static struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};

static void set_caps(__u32 effective, __u32 permitted, __u32 inheritable)
{
	struct __user_cap_data_struct data[2] = {{effective, permitted, inheritable}};
	MUST(syscall(SYS_capset, &head, data));
}

static void check_caps(__u32 effective, __u32 permitted, __u32 inheritable)
{
	struct __user_cap_data_struct data[2];
	MUST(syscall(SYS_capget, &head, data));
	CHECK_EQ("effective", effective, data[0].effective);
	CHECK_EQ("permitted", permitted, data[0].permitted);
	CHECK_EQ("inheritable", inheritable, data[0].inheritable);
	CHECK_EQ("high words", 0, data[1].effective | data[1].permitted | data[1].inheritable);
}

static void reduced(void *arg)
{
	const __u32 mine = BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_SETPCAP);
	(void)arg;
	MUST(prctl(PR_CAPBSET_DROP, CAP_MKNOD));
	MUST(prctl(PR_CAPBSET_DROP, CAP_NET_RAW));
	set_caps(mine, mine, BIT(CAP_KILL) | BIT(CAP_CHOWN));
	MUST(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	MUST(prctl(PR_SET_SECUREBITS, BITS));
	set_caps(BIT(CAP_CHOWN), BIT(CAP_CHOWN) | BIT(CAP_KILL), BIT(CAP_KILL) | BIT(CAP_CHOWN));
	arrived();
	wait_for_go();
	check_caps(BIT(CAP_CHOWN), BIT(CAP_CHOWN) | BIT(CAP_KILL), BIT(CAP_KILL) | BIT(CAP_CHOWN));
	CHECK_EQ("bounding MKNOD", 0, prctl(PR_CAPBSET_READ, CAP_MKNOD));
	CHECK_EQ("bounding NET_RAW", 0, prctl(PR_CAPBSET_READ, CAP_NET_RAW));
	CHECK_EQ("bounding CHOWN", 1, prctl(PR_CAPBSET_READ, CAP_CHOWN));
	CHECK_EQ("bounding SYS_TIME", 0, prctl(PR_CAPBSET_READ, CAP_SYS_TIME));
	CHECK_EQ("ambient KILL", 1, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
	CHECK_EQ("ambient CHOWN", 0, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0));
	CHECK_EQ("securebits", BITS, prctl(PR_GET_SECUREBITS));
}

static void unprivileged(void *arg)
{
	(void)arg;
	MUST(prctl(PR_SET_KEEPCAPS, 1));
	MUST(setresuid(1234, 1234, 1234));
	set_caps(BIT(CAP_NET_BIND_SERVICE), BIT(CAP_NET_BIND_SERVICE), 0);
	arrived();
	wait_for_go();
	check_caps(BIT(CAP_NET_BIND_SERVICE), BIT(CAP_NET_BIND_SERVICE), 0);
	CHECK_EQ("uid", 1234, getuid());
	CHECK_EQ("keepcaps", 1, prctl(PR_GET_KEEPCAPS));
}

static void without(void *arg)
{
	(void)arg;
	set_caps(0, 0, 0);
	arrived();
	wait_for_go();
	check_caps(0, 0, 0);
	CHECK_EQ("uid", 0, getuid());
}

int main(void)
{
	pid_t pids[3] = {spawn(reduced, NULL), spawn(unprivileged, NULL), spawn(without, NULL)};

	ready_and_wait();

	for (int i = 0; i < 3; i++) finish(pids[i]);
	CHECK_EQ("securebits of PID 1", 0, prctl(PR_GET_SECUREBITS));
	pass();
}
