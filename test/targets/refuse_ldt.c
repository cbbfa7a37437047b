/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry of an LDT that no segment register uses.
 * @needs: none
 * @expect: refuse pid 1 \(target\).* an LDT \(modify_ldt\) is not supported
 */
#include "target.h"
#include <asm/ldt.h>
#include <sys/syscall.h>

int main(void)
{
	struct user_desc segment = { .entry_number = 3, .limit = 0xfffff, .seg_32bit = 1 };
	unsigned long entries[4] = { 0 };

	segment.limit_in_pages = 1;
	segment.useable = 1;
	if (syscall(SYS_modify_ldt, 1, &segment, sizeof(segment)) != 0) SKIP("no modify_ldt");

	ready_and_wait();

	CHECK_EQ("modify_ldt", sizeof(entries), syscall(SYS_modify_ldt, 0, entries, sizeof(entries)));
	CHECK(entries[3] != 0, "the entry");
	pass();
}
