/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pipes: data in flight, closed ends, flags of each end, a larger size, many holders; FIFOs likewise.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/stat.h>

static unsigned char buffer[300000];

static void check_read(const char *what, int fd, size_t length, unsigned seed)
{
	memset(buffer, 0, length);
	size_t used = 0;
	ssize_t n;
	while (used < length && (n = read(fd, buffer + used, length - used)) > 0) used += (size_t)n;
	CHECK_EQ(what, length, used);
	check_fill(what, buffer, length, seed);
}

static void put(int fd, size_t length, unsigned seed)
{
	fill(buffer, length, seed);
	CHECK_EQ("write", length, write(fd, buffer, length));
}

int main(void)
{
	int plain[2], large[2], no_writer[2], no_reader[2], nonblocking[2], fifo[2];
	char byte;
	MUST(pipe(plain));
	put(plain[1], 1000, 1);
	put(plain[1], 5000, 2);
	MUST(pipe(large));
	int size = MUST(fcntl(large[1], F_SETPIPE_SZ, 1 << 19));
	put(large[1], 300000, 3);
	MUST(pipe(no_writer));
	put(no_writer[1], 777, 4);
	close(no_writer[1]);
	MUST(pipe(no_reader));
	close(no_reader[0]);
	MUST(pipe2(nonblocking, O_CLOEXEC));
	MUST(fcntl(nonblocking[0], F_SETFL, O_NONBLOCK));
	MUST(mkfifo("/tmp/fifo", 0600));
	fifo[0] = MUST(open("/tmp/fifo", O_RDONLY | O_NONBLOCK));
	fifo[1] = MUST(open("/tmp/fifo", O_WRONLY));
	put(fifo[1], 2000, 5);
	int both = MUST(open("/tmp/fifo", O_RDWR)), writer = dup(plain[1]);
	signal(SIGPIPE, SIG_IGN);

	ready_and_wait();

	check_read("first write", plain[0], 1000, 1);
	check_read("second write", plain[0], 5000, 2);
	close(plain[1]);
	put(writer, 10, 6);
	check_read("by the other writer", plain[0], 10, 6);
	close(writer);
	CHECK_EQ("end of file after the last writer", 0, read(plain[0], &byte, 1));
	CHECK_EQ("size of the large pipe", size, fcntl(large[0], F_GETPIPE_SZ));
	check_read("large", large[0], 300000, 3);
	check_read("without a writer", no_writer[0], 777, 4);
	CHECK_EQ("end of file", 0, read(no_writer[0], &byte, 1));
	CHECK(write(no_reader[1], "x", 1) == -1 && errno == EPIPE, "no reader");
	CHECK(read(nonblocking[0], &byte, 1) == -1 && errno == EAGAIN, "empty and not blocking");
	CHECK_EQ("the write end blocks", 0, fcntl(nonblocking[1], F_GETFL) & O_NONBLOCK);
	CHECK_EQ("close on exec", FD_CLOEXEC, fcntl(nonblocking[1], F_GETFD));
	check_read("FIFO", fifo[0], 2000, 5);
	put(both, 30, 7);
	check_read("FIFO by the third", fifo[0], 30, 7);
	CHECK(read(fifo[0], &byte, 1) == -1 && errno == EAGAIN, "the FIFO is empty, not ended");
	int late = MUST(open("/tmp/fifo", O_WRONLY | O_NONBLOCK));
	put(late, 40, 8);
	check_read("FIFO by a late writer", both, 40, 8);
	pass();
}
