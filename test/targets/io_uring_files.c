/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An io_uring with registered files: a pipe, nothing, a file with a tag, and room where the kernel finds places itself.
 * @needs: kernel>=6.13
 * @expect: restore
 * @blind: refuse an io_uring with registered files \(IORING_REGISTER_FILES\) is not supported; remedy: run it without
 */
#include "target.h"
#include "io_uring.h"

#define TAG 99

static struct ring ring;

static struct completion use(unsigned char opcode, int index, void *bytes, unsigned length)
{
	struct io_uring_sqe *request = prepare(&ring, opcode, 1);

	request->fd = index;
	request->flags = IOSQE_FIXED_FILE;
	request->addr = (unsigned long)bytes;
	request->len = length;
	request->off = -1;
	submit(&ring, 1);
	return next(&ring);
}

static void put(int index, int fd)
{
	struct io_uring_rsrc_update change = {.offset = (unsigned)index, .data = (unsigned long)&fd};

	CHECK_EQ("changed", 1, syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES_UPDATE, &change, 1));
}

int main(void)
{
	char text[8] = "";
	int ends[2], more[2];
	int file = MUST(open("/data/file", O_RDWR | O_CREAT | O_EXCL, 0600));

	MUST(write(file, "abcdefgh", 8));
	MUST(lseek(file, 2, SEEK_SET));
	MUST(pipe(ends));
	MUST(pipe(more));
	ring = make_ring(8, 0);
	int files[8] = {ends[1], -1, file, -1, -1, -1, -1, -1};
	unsigned long tags[8] = {[2] = TAG};
	struct io_uring_rsrc_register table = {.nr = 8, .data = (unsigned long)files, .tags = (unsigned long)tags};
	struct io_uring_file_index_range range = {.off = 5, .len = 2};
	MUST(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES2, &table, sizeof(table)));
	MUST(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILE_ALLOC_RANGE, &range, 0));
	do_nothing(&ring, 20);

	ready_and_wait();

	CHECK_EQ("written", 3, use(IORING_OP_WRITE, 0, "xyz", 3).res);
	CHECK_EQ("through the pipe", 3, read(ends[0], text, 8));
	CHECK_EQ("nothing there", -EBADF, use(IORING_OP_READ, 1, text, 4).res);
	CHECK_EQ("read", 4, use(IORING_OP_READ, 2, text, 4).res);
	CHECK_EQ("shared position", 6, lseek(file, 0, SEEK_CUR));
	text[4] = 0;
	CHECK_STR("content", "cdef", text);
	struct io_uring_sqe *request = prepare(&ring, IORING_OP_OPENAT, 2);
	request->fd = AT_FDCWD;
	request->addr = (unsigned long)"/data/file";
	request->open_flags = O_RDONLY;
	request->file_index = IORING_FILE_INDEX_ALLOC;
	submit(&ring, 1);
	CHECK_EQ("a place in the range", 5, next(&ring).res);
	put(1, more[1]);
	CHECK_EQ("written", 1, use(IORING_OP_WRITE, 1, "a", 1).res);
	put(2, -1);
	struct completion gone = next(&ring);
	CHECK_EQ("tag", TAG, gone.user_data);
	pass();
}
