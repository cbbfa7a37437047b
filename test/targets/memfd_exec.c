/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memfd_create takes no write access to the file, open does: a program in a memfd that is open for writing, and
 * mapped, can be executed; one that was opened again for writing cannot, until that is closed.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <sys/sendfile.h>

static int program(const char *name)
{
	int source = MUST(open("/proc/self/exe", O_RDONLY));
	int fd = MUST(memfd_create(name, MFD_CLOEXEC));
	while (MUST(sendfile(fd, source, NULL, 1 << 20)) > 0)
		continue;
	close(source);
	return fd;
}

static int again(int fd, int flags)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return MUST(open(path, flags | O_CLOEXEC));
}

static int executes(int fd)
{
	char *const arguments[] = { "program", "from the memfd", NULL };
	int status;
	pid_t pid = MUST(fork());
	if (pid == 0) {
		fexecve(fd, arguments, environ);
		_exit(errno == ETXTBSY ? 8 : 9);
	}
	MUST(waitpid(pid, &status, 0));
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "from the memfd") == 0)
		_exit(7);
	int made = program("made"), both = program("both"), opened = program("opened"),
	    mapped = program("mapped");
	int second = again(both, O_RDWR), instead = again(opened, O_RDWR),
	    read_only = again(mapped, O_RDONLY);
	close(opened);
	MUST(fcntl(made, F_SETFL, O_APPEND));
	long position = MUST(lseek(made, 0, SEEK_CUR));
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, mapped, 0);
	CHECK(page != MAP_FAILED, "map a memfd");
	void *other = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, made, 0);
	CHECK(other != MAP_FAILED, "map a memfd");
	close(mapped);

	ready_and_wait();

	CHECK_EQ("position", position, lseek(made, 0, SEEK_CUR));
	CHECK_EQ("flags", O_APPEND | O_RDWR, fcntl(made, F_GETFL) & (O_APPEND | O_ACCMODE));
	CHECK_EQ("one that was made", 7, executes(made));
	CHECK_EQ("one that was opened again", 8, executes(both));
	close(second);
	CHECK_EQ("one that was closed again", 7, executes(both));
	CHECK_EQ("one that was opened in place of the first", 8, executes(instead));
	CHECK_EQ("one that is mapped", 7, executes(read_only));
	CHECK_EQ("a lease on it", 0, fcntl(read_only, F_SETLEASE, F_RDLCK));
	pass();
}
