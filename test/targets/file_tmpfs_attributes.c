/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of a tmpfs mount: ACLs of a file, a FIFO and a directory (also for what is made in it), and extended
 * attributes of users where tmpfs supports them.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/stat.h>
#include <sys/xattr.h>

#define ACCESS  "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

struct acl {
	unsigned version;
	struct {
		unsigned short tag, permissions;
		unsigned id;
	} entries[5];
};

static const struct acl acl = {
	2, {{1, 7, -1u}, {2, 6, 1000}, {4, 5, -1u}, {16, 7, -1u}, {32, 0, -1u}}};

static void check_acl(const char *path, const char *name)
{
	struct acl found;
	CHECK_EQ(path, sizeof(found), getxattr(path, name, &found, sizeof(found)));
	CHECK(memcmp(&found, &acl, sizeof(acl)) == 0, path);
}

int main(void)
{
	char text[16] = "";
	MUST(mkdir("/tmp/folder", 0750));
	close(MUST(open("/tmp/folder/plain", O_RDWR | O_CREAT, 0640)));
	close(MUST(open("/tmp/file", O_RDWR | O_CREAT, 0640)));
	MUST(mkfifo("/tmp/fifo", 0640));
	if (setxattr("/tmp/folder", DEFAULT, &acl, sizeof(acl), 0) < 0 && errno == EOPNOTSUPP)
		SKIP("no ACLs in tmpfs");
	MUST(setxattr("/tmp/folder", ACCESS, &acl, sizeof(acl), 0));
	MUST(setxattr("/tmp/file", ACCESS, &acl, sizeof(acl), 0));
	MUST(setxattr("/tmp/fifo", ACCESS, &acl, sizeof(acl), 0));
	int has_user = setxattr("/tmp/file", "user.colour", "blue\n=", 6, 0) == 0;

	ready_and_wait();

	check_acl("/tmp/folder", ACCESS);
	check_acl("/tmp/folder", DEFAULT);
	check_acl("/tmp/file", ACCESS);
	check_acl("/tmp/fifo", ACCESS);
	CHECK_EQ("ACL of a plain file", -1, getxattr("/tmp/folder/plain", ACCESS, text, 1));
	CHECK_EQ("why it has none", ENODATA, errno);
	if (has_user) {
		CHECK_EQ("size of an attribute", 6, getxattr("/tmp/file", "user.colour", text, 15));
		CHECK_STR("value of an attribute", "blue\n=", text);
	}
	pass();
}
