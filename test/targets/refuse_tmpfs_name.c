/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tmpfs with a file whose name is not UTF-8, which is not saved: the refusal names the file.
 * @needs: none
 * @expect: refuse tmpfs /tmp: folder/caf\\xe9 is a name that is not UTF-8; remedy: rename it
 */
#include "target.h"
#include <sys/stat.h>

int main(void)
{
	MUST(mkdir("/tmp/folder", 0700));
	close(MUST(open("/tmp/folder/caf\xe9", O_CREAT | O_WRONLY, 0600)));
	ready_and_wait();
	MUST(access("/tmp/folder/caf\xe9", F_OK));
	pass();
}
