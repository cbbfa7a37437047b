// SPDX-License-Identifier: GPL-2.0-only
/* What FORK makes of file mappings, and that it keeps no filesystem busy. */
#include "check.h"

#define PAGES 6

/* A file of 2.5 pages, mapped with 4; pages 1 and 2 of the private one are written to. */
struct mappings {
	char *private;
	char *shared;
	char *anonymous;
	char *sealed;
};

static struct mappings map_files(void)
{
	struct mappings maps;
	char content[PAGE * 5 / 2];
	int fd = open("/mnt/file", O_RDWR | O_CREAT | O_TRUNC, 0600);

	memset(content, 'f', sizeof(content));
	if (fd < 0 || write(fd, content, sizeof(content)) != sizeof(content))
		die("/mnt/file");
	maps.private = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	maps.shared = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	maps.sealed = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	maps.anonymous =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	close(fd);
	maps.private[PAGE] = 'w';
	maps.private[2 * PAGE + 10] = 'w';
	maps.anonymous[0] = 'a';
	maps.sealed[1] = 'w';
	mprotect(maps.sealed, PAGE, PROT_READ);
	syscall(462, maps.sealed, PAGE, 0);
	return maps;
}

static int byte_at(__u32 id, const char *address)
{
	unsigned char byte;
	int ret = vas_read(id, address, &byte, 1, NULL);

	return ret ? ret : byte;
}

static __u32 fork_files(__u32 flags, const char *what, __u64 *dropped)
{
	struct mvas_fork fork = {
		.size = sizeof(fork), .flags = flags, .target = MVAS_TARGET_SELF, .mode = 0600
	};

	check_result(call(MVAS_FORK, &fork), 0, what);
	*dropped = fork.dropped;
	return fork.id;
}

static void by_default(struct mappings maps)
{
	__u64 dropped;
	__u32 id = fork_files(0, "FORK with file mappings", &dropped);

	check(byte_at(id, maps.private + PAGE) == 'w' &&
		      byte_at(id, maps.private + PAGE + 1) == 'f' &&
		      byte_at(id, maps.private + 2 * PAGE + 10) == 'w',
	      "what was written to a private one is kept, with the page it is in");
	check(vas_is_zero(id, maps.private, PAGE) && vas_is_zero(id, maps.private + 3 * PAGE, PAGE),
	      "the rest reads as zeros");
	check(byte_at(id, maps.sealed + 1) == 'w', "also of one that is read-only or sealed now");
	check(byte_at(id, maps.shared) == -EFAULT && byte_at(id, maps.anonymous) == -EFAULT,
	      "shared ones are unmapped");
	check(dropped == 3 * PAGE, "and counted (%llu)", (unsigned long long)dropped);
	vas_delete(id);
}

static void whole(struct mappings maps)
{
	__u64 dropped;
	__u32 id = fork_files(MVAS_FILES_WHOLE, "FORK with MVAS_FILES_WHOLE", &dropped);

	check(byte_at(id, maps.private) == 'f' && byte_at(id, maps.private + PAGE) == 'w' &&
		      byte_at(id, maps.private + 2 * PAGE + 100) == 'f',
	      "private ones are there with all they hold");
	check(byte_at(id, maps.private + PAGE * 5 / 2) == 0 &&
		      vas_is_zero(id, maps.private + 3 * PAGE, PAGE),
	      "past the end of the file there are zeros");
	check(byte_at(id, maps.shared) == 'f' && byte_at(id, maps.anonymous) == 'a',
	      "so are shared ones");
	maps.shared[0] = 'n';
	check(byte_at(id, maps.shared) == 'f', "but shared no more");
	maps.shared[0] = 'f';
	check(!dropped, "nothing is dropped");
	vas_delete(id);
}

static void drop(struct mappings maps)
{
	__u64 dropped;
	__u32 id = fork_files(MVAS_FILES_DROP, "FORK with MVAS_FILES_DROP", &dropped);

	check(byte_at(id, maps.private + PAGE) == -EFAULT && byte_at(id, maps.shared) == -EFAULT &&
		      dropped >= 8 * PAGE,
	      "all are unmapped");
	vas_delete(id);
}

/* A file of tmpfs with a hole of gigabytes: filling it would take more memory than there is. */
static void sparse(void)
{
	const size_t size = 4096 * MIB;
	int fd = memfd_create("sparse", MFD_CLOEXEC);
	struct mvas_attr attr;
	struct stat status;
	char *shared, *private;
	__u64 dropped;
	__u32 id;

	if (fd < 0 || ftruncate(fd, size) || pwrite(fd, "s", 1, size / 2 + 5) != 1)
		die("memfd");
	shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
	if (shared == MAP_FAILED || private == MAP_FAILED)
		die("mmap");
	private[size / 4] = 'p';
	id = fork_files(MVAS_FILES_WHOLE, "FORK with mappings of a file full of holes", &dropped);
	check(byte_at(id, shared + size / 2 + 5) == 's' &&
		      byte_at(id, private + size / 2 + 5) == 's' &&
		      byte_at(id, private + size / 4) == 'p',
	      "what is in them is there");
	check(vas_is_zero(id, shared, PAGE) && vas_is_zero(id, private + size - PAGE, PAGE),
	      "the holes are zeros");
	check(!vas_attr(id, &attr) && attr.bytes < 16 * MIB, "and take no memory");
	check(!fstat(fd, &status) && status.st_blocks * 512ul < 16 * MIB, "nor does the file now");
	vas_delete(id);
	munmap(shared, size);
	munmap(private, size);
	close(fd);
}

/* Mappings that would need more memory than there is, all of one small file. */
static void limited(void)
{
	const size_t size = 16 * MIB, count = 100;
	int fd = memfd_create("many", MFD_CLOEXEC);
	struct mvas_info info = { .size = sizeof(info) };
	char *content = malloc(size);
	char *at[count];
	__u32 id;

	fill(content, size, 1);
	if (fd < 0 || write(fd, content, size) != (ssize_t)size)
		die("memfd");
	for (size_t i = 0; i < count; i++)
		at[i] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd,
			     0);
	write_text("/sys/module/mvas/parameters/max_bytes", "67108864");
	check_result(vas_fork(MVAS_TARGET_SELF, MVAS_FILES_WHOLE, &id), -ENOSPC,
		     "FORK ends where the limit is reached");
	write_text("/sys/module/mvas/parameters/max_bytes", "0");
	write_text("/sys/module/mvas/parameters/max_bytes_user", "67108864");
	check_result(vas_fork(MVAS_TARGET_SELF, MVAS_FILES_WHOLE, &id), -EDQUOT,
		     "also that of one user");
	write_text("/sys/module/mvas/parameters/max_bytes_user", "0");
	check(!call(MVAS_INFO, &info) && !info.bytes && !info.vas_count, "and leaves nothing");
	for (size_t i = 0; i < count; i++)
		munmap(at[i], size);
	free(content);
	close(fd);
}

/* Runs this program from the filesystem, which keeps it busy. */
static pid_t start_from_mount(int *mem)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (system("cp /proc/$PPID/exe /mnt/program") || pipe(ready))
		die("/mnt/program");
	pid = fork();
	if (!pid) {
		dup2(ready[1], 1);
		execl("/mnt/program", "program", "wait", NULL);
		_exit(1);
	}
	if (read(ready[0], &byte, 1) != 1)
		die("/mnt/program");
	close(ready[0]);
	close(ready[1]);
	*mem = open_mem(pid);
	return pid;
}

static int wait_in_mount(void)
{
	map_files();
	if (chdir("/mnt") || write(1, "", 1) != 1)
		return 1;
	for (;;)
		pause();
}

static void unmount(__u32 flags, const char *what)
{
	int mem;
	pid_t pid = start_from_mount(&mem);
	__u32 id;

	check_result(vas_fork(mem, flags, &id), 0, what);
	check(umount("/mnt") && errno == EBUSY, "the process keeps the filesystem busy");
	kill(pid, SIGKILL);
	wait_for(pid);
	close(mem);
	check(!umount("/mnt"), "the VAS does not");
	vas_delete(id);
	if (mount("files", "/mnt", "tmpfs", 0, NULL))
		die("mount");
}

int main(int count, char **arguments)
{
	struct mappings maps;

	if (count > 1 && !strcmp(arguments[1], "wait"))
		return wait_in_mount();
	open_device();
	if (mount("files", "/mnt", "tmpfs", 0, NULL))
		die("mount");
	maps = map_files();
	by_default(maps);
	whole(maps);
	drop(maps);
	munmap(maps.private, 4 * PAGE);
	munmap(maps.shared, 2 * PAGE);
	if (munmap(maps.sealed, PAGE)) {
		/* Sealed permanently: later tests get another filesystem. */
		if (mount("files", "/mnt", "tmpfs", 0, NULL))
			die("mount");
	}
	unmount(0, "FORK of a program that lies in a filesystem");
	unmount(MVAS_FILES_WHOLE, "FORK of it with MVAS_FILES_WHOLE");
	sparse();
	limited();
	umount("/mnt");
	umount2("/mnt", MNT_DETACH);
	return finish();
}
