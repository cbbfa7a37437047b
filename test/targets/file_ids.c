/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids within extended attributes: ACLs, and capabilities of files, which in a user namespace belong to its root. Of a tmpfs and of
 * files without a name.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <linux/capability.h>
#include <linux/posix_acl_xattr.h>
#include <sys/stat.h>
#include <sys/xattr.h>

struct acl {
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entries[6];
};

static const struct acl acl = {
	{POSIX_ACL_XATTR_VERSION},
	{
		{0x01, 6, -1u},
		{0x02, 4, 1000},
		{0x04, 4, -1u},
		{0x08, 5, 2000},
		{0x10, 7, -1u},
		{0x20, 0, -1u},
	},
};
static const struct vfs_cap_data capability = {
	.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
	.data = {{.permitted = 1 << CAP_NET_RAW}},
};

static int make(const char *path)
{
	int fd = MUST(open(path, O_RDWR | O_CREAT | O_EXCL, 0600));

	if (fsetxattr(fd, "system.posix_acl_access", &acl, sizeof(acl), 0) == -1) SKIP("no ACLs here");
	MUST(fsetxattr(fd, "security.capability", &capability, sizeof(capability), 0));
	return fd;
}

static void check(const char *what, int fd)
{
	struct acl found = {0};
	unsigned char bytes[64] = {0};

	CHECK_EQ(what, sizeof(found), fgetxattr(fd, "system.posix_acl_access", &found, sizeof(found)));
	for (int i = 0; i < 6; i++) {
		CHECK_EQ("tag", acl.entries[i].e_tag, found.entries[i].e_tag);
		CHECK_EQ("permissions", acl.entries[i].e_perm, found.entries[i].e_perm);
		CHECK_EQ("id", acl.entries[i].e_id, found.entries[i].e_id);
	}
	CHECK_EQ("capabilities of this root", sizeof(capability),
		 fgetxattr(fd, "security.capability", bytes, sizeof(bytes)));
	CHECK_EQ("the same", 0, memcmp(&capability, bytes, sizeof(capability)));
}

int main(void)
{
	int removed = make("/data/removed"), hidden = make("/tmp/removed");

	MUST(unlink("/data/removed"));
	MUST(unlink("/tmp/removed"));
	close(make("/tmp/kept"));
	MUST(mkdir("/tmp/folder", 0700));
	MUST(setxattr("/tmp/folder", "system.posix_acl_default", &acl, sizeof(acl), 0));

	ready_and_wait();

	check("removed", removed);
	check("removed from a tmpfs", hidden);
	check("in a tmpfs", MUST(open("/tmp/kept", O_RDONLY)));
	struct acl inherited = {0};
	MUST(close(MUST(open("/tmp/folder/new", O_RDWR | O_CREAT, 0777))));
	CHECK_EQ("inherited", sizeof(inherited),
		 getxattr("/tmp/folder/new", "system.posix_acl_access", &inherited, sizeof(inherited)));
	CHECK_EQ("user", 1000, inherited.entries[1].e_id);
	CHECK_EQ("group", 2000, inherited.entries[3].e_id);
	pass();
}
