/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A userfaultfd with a registered range.
 * @needs: kernel>=5.11
 * @expect: refuse userfaultfd
 */
#include "target.h"
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define LENGTH 65536ul

int main(void)
{
	static unsigned char source[4096];
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	if (fd == -1) SKIP("this kernel gives no userfaultfd");
	struct uffdio_api api = {.api = UFFD_API};
	MUST(ioctl(fd, UFFDIO_API, &api));
	void *area = MUST(mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	struct uffdio_register range = {.range = {(__u64)area, LENGTH}, .mode = UFFDIO_REGISTER_MODE_MISSING};
	MUST(ioctl(fd, UFFDIO_REGISTER, &range));

	ready_and_wait();

	fill(source, sizeof(source), 9);
	struct uffdio_copy copy = {.dst = (__u64)area, .src = (__u64)source, .len = 4096};
	MUST(ioctl(fd, UFFDIO_COPY, &copy));
	check_fill("a page served", area, 4096, 9);
	pass();
}
