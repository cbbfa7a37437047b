/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A BPF map.
 * @needs: cap:BPF
 * @expect: refuse bpf
 */
#include "target.h"
#include <linux/bpf.h>
#include <sys/syscall.h>

static long bpf(int command, union bpf_attr *attributes)
{
	return syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

int main(void)
{
	unsigned key = 2, value = 4711, got = 0;
	union bpf_attr wish = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 8};
	int fd = (int)bpf(BPF_MAP_CREATE, &wish);
	if (fd == -1) SKIP("this kernel gives no BPF map");
	union bpf_attr put = {.map_fd = (unsigned)fd, .key = (__u64)&key, .value = (__u64)&value};
	MUST(bpf(BPF_MAP_UPDATE_ELEM, &put));

	ready_and_wait();

	union bpf_attr get = {.map_fd = (unsigned)fd, .key = (__u64)&key, .value = (__u64)&got};
	MUST(bpf(BPF_MAP_LOOKUP_ELEM, &get));
	CHECK_EQ("value", value, got);
	pass();
}
