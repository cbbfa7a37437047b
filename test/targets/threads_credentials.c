/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials belong to threads: uids, groups, capabilities and no_new_privs differ within a process.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static pthread_barrier_t arrival, departure;

static void check_ids(uid_t uid, gid_t gid, int groups)
{
	uid_t r, e, s;
	gid_t rg, eg, sg, list[8];
	MUST(syscall(SYS_getresuid, &r, &e, &s));
	MUST(syscall(SYS_getresgid, &rg, &eg, &sg));
	CHECK_EQ("real uid", uid, r);
	CHECK_EQ("effective uid", uid, e);
	CHECK_EQ("saved uid", uid, s);
	CHECK_EQ("real gid", gid, rg);
	CHECK_EQ("effective gid", gid, eg);
	CHECK_EQ("saved gid", gid, sg);
	CHECK_EQ("number of groups", groups, syscall(SYS_getgroups, 8, list));
	for (int i = 0; i < groups; i++) CHECK_EQ("group", 5000 + i, list[i]);
}

static __u32 effective_caps(void)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];
	MUST(syscall(SYS_capget, &head, data));
	return data[0].effective;
}

static void *plain_user(void *arg)
{
	gid_t groups[2] = {5000, 5001};
	(void)arg;
	MUST(syscall(SYS_setgroups, 2, groups));
	MUST(syscall(SYS_setresgid, 1001, 1001, 1001));
	MUST(syscall(SYS_setresuid, 1001, 1001, 1001));
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	pthread_barrier_wait(&arrival);
	pthread_barrier_wait(&departure);
	check_ids(1001, 1001, 2);
	CHECK_EQ("capabilities of the user's thread", 0, effective_caps());
	CHECK_EQ("no_new_privs", 1, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	CHECK(open("/dev/null", O_WRONLY) >= 0, "opening what all may open");
	CHECK(syscall(SYS_setresuid, 0, 0, 0) == -1 && errno == EPERM, "no way back to root");
	return NULL;
}

static void *reduced_root(void *arg)
{
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0}};
	(void)arg;
	data[0].permitted = 1u << CAP_CHOWN | 1u << CAP_KILL;
	data[0].effective = 1u << CAP_CHOWN;
	MUST(syscall(SYS_capset, &head, data));
	pthread_barrier_wait(&arrival);
	pthread_barrier_wait(&departure);
	check_ids(0, 0, 0);
	CHECK_EQ("effective capabilities", 1u << CAP_CHOWN, effective_caps());
	MUST(syscall(SYS_capget, &head, data));
	CHECK_EQ("permitted capabilities", 1u << CAP_CHOWN | 1u << CAP_KILL, data[0].permitted);
	return NULL;
}

int main(void)
{
	pthread_t user, reduced;
	MUST(syscall(SYS_setgroups, 0, NULL));
	__u32 mine = effective_caps();
	pthread_barrier_init(&arrival, NULL, 3);
	pthread_barrier_init(&departure, NULL, 3);
	pthread_create(&user, NULL, plain_user, NULL);
	pthread_create(&reduced, NULL, reduced_root, NULL);
	pthread_barrier_wait(&arrival);

	ready_and_wait();

	pthread_barrier_wait(&departure);
	pthread_join(user, NULL);
	pthread_join(reduced, NULL);
	check_ids(0, 0, 0);
	CHECK_EQ("capabilities of the main thread", mine, effective_caps());
	CHECK_EQ("no_new_privs of the main thread", 0, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	pass();
}
