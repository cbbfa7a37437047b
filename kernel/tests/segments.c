// SPDX-License-Identifier: GPL-2.0-only
/* Segments: as memory, as objects, copied into, and attached to a VAS. */
#include "check.h"
#include "revive.h"

#define START 0x200000000000ul
#define SIZE (2 * MIB)

static char *memory;
static __u32 segment;

static void objects(void)
{
	struct mvas_find find = { .size = sizeof(find), .name = "objects" };
	struct mvas_attr attr = { .size = sizeof(attr) };
	struct stat status;
	char path[64];
	__u32 id, other;

	check_result(segment_create("a/b", 0, SIZE, &id), -EINVAL, "a bad name is EINVAL");
	check_result(segment_create("", 0, 0, &id), -EINVAL, "no length is EINVAL");
	check_result(segment_create("", 1, SIZE, &id), -EINVAL, "an odd start is EINVAL");
	check_result(segment_create("", 0, SIZE + 1, &id), -EINVAL, "an odd length is EINVAL");
	check_result(segment_create("", -PAGE, SIZE, &id), -EINVAL, "a range around the end too");
	check_result(segment_create("", 0, 1ul << 62, &id), -EINVAL, "one past user space too");
	check_result(segment_create("objects", START, SIZE, &id), 0, "SEG_CREATE");
	check_result(segment_create("objects", START, SIZE, &other), -EEXIST, "but once");
	check(!call(MVAS_SEG_FIND, &find) && find.id == id, "SEG_FIND");
	attr.id = id;
	check(!call(MVAS_SEG_GETATTR, &attr) && attr.start == START && attr.bytes == SIZE &&
		      attr.mode == 0600 && !strcmp(attr.name, "objects"),
	      "SEG_GETATTR");
	attr = (struct mvas_attr){
		.size = sizeof(attr), .id = id, .valid = MVAS_SET_MODE, .mode = 0640
	};
	check_result(call(MVAS_SEG_SETATTR, &attr), 0, "SEG_SETATTR");
	check(!fstat(segment_open(id, O_RDONLY), &status) && (status.st_mode & 07777) == 0640,
	      "shows in its descriptors");
	snprintf(path, sizeof(path), "/sys/kernel/vas_segs/%u/size", id);
	check(!access(path, R_OK), "sysfs has it");
	check_result(segment_delete(id), 0, "SEG_DELETE");
	check_result(segment_delete(id), -ENOENT, "but once");
}

static __u32 changed;

/* Changes the mode again and again; two at once. */
static int change_mode(void)
{
	for (int i = 0; i < 2000; i++) {
		struct mvas_attr attr = { .size = sizeof(attr), .id = changed };

		attr.valid = MVAS_SET_MODE;
		attr.mode = (getpid() + i) % 2 ? 0640 : 0604;
		if (call(MVAS_SEG_SETATTR, &attr))
			return 1;
	}
	return 0;
}

static void changes_at_once(void)
{
	bool same = true;

	segment_create("changed", 0, PAGE, &changed);
	for (int i = 0; i < 10; i++) {
		struct mvas_attr attr = { .size = sizeof(attr), .id = changed };
		pid_t pid = fork();
		struct stat status;
		int fd;

		if (!pid)
			_exit(change_mode());
		same = same && !in_child(change_mode) && !wait_for(pid);
		fd = segment_open(changed, O_RDONLY);
		same = same && !call(MVAS_SEG_GETATTR, &attr) && !fstat(fd, &status) &&
		       (status.st_mode & 0777) == attr.mode;
		close(fd);
	}
	check(same, "SEG_SETATTR by two at once: descriptors show what SEG_GETATTR says");
	segment_delete(changed);
}

static void shared_memory(void)
{
	char *one, *other;
	int fd, readonly;

	check_result(segment_create("memory", 0, SIZE, &segment), 0, "SEG_CREATE anywhere");
	check_result(segment_open(segment, O_WRONLY), -EINVAL, "O_WRONLY is EINVAL");
	fd = segment_open(segment, O_RDWR);
	readonly = segment_open(segment, O_RDONLY);
	check(fd > 0 && readonly > 0, "SEG_FD");
	one = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	other = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, readonly, 0);
	check(one != MAP_FAILED && other != MAP_FAILED && !one[0], "it can be mapped");
	fill(one, SIZE, 1);
	check(filled(other, SIZE, 1), "and is shared");
	check(mmap(NULL, SIZE, PROT_WRITE, MAP_SHARED, readonly, 0) == MAP_FAILED &&
		      mprotect(other, SIZE, PROT_WRITE),
	      "a descriptor for reading gives no writing");
	check(ftruncate(fd, 2 * SIZE) && ftruncate(fd, PAGE) && pwrite(fd, "x", 1, SIZE) < 0,
	      "its length is sealed");
	check(pwrite(fd, "seg", 3, 100) == 3 && !memcmp(other + 100, "seg", 3), "pwrite writes");
	fill(one, SIZE, 1);
	munmap(one, SIZE);
	munmap(other, SIZE);
	close(fd);
	close(readonly);
	fd = segment_open(segment, O_RDWR);
	one = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
	check(filled(one, SIZE, 1), "it outlives its descriptors");
	check_result(segment_delete(segment), 0, "SEG_DELETE while mapped");
	check(filled(one, SIZE, 1), "leaves the memory to who has it");
	munmap(one, SIZE);
	close(fd);
}

static int copy_in(__u32 vas, int target, __u64 address, __u64 length, __u64 offset, __u64 *done)
{
	struct mvas_seg_copyin copy = {
		.size = sizeof(copy),
		.id = segment,
		.vas_id = vas,
		.target = target,
		.address = address,
		.length = length,
		.offset = offset,
	};
	int ret = call(MVAS_SEG_COPYIN, &copy);

	*done = copy.done;
	return ret;
}

static void copies(void)
{
	const __u64 from = (uintptr_t)memory;
	int self = MVAS_TARGET_SELF;
	__u64 done;
	__u32 vas;
	char *view;
	int fd;

	segment_create("copies", 0, SIZE, &segment);
	fd = segment_open(segment, O_RDONLY);
	view = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	fill(memory, SIZE, 2);
	check(!copy_in(0, self, from, SIZE, 0, &done) && done == SIZE && filled(view, SIZE, 2),
	      "SEG_COPYIN from oneself");
	vas_fork(self, 0, &vas);
	fill(memory, SIZE, 3);
	check(!copy_in(vas, 0, from, SIZE / 2, SIZE / 2, &done) && done == SIZE / 2 &&
		      filled(view + SIZE / 2, SIZE / 2, 2),
	      "SEG_COPYIN from a VAS");
	check_result(copy_in(vas, self, from, PAGE, 0, &done), -EINVAL, "both is EINVAL");
	check_result(copy_in(0, self, from + 1, PAGE, 0, &done), -EINVAL, "odd places are EINVAL");
	check_result(copy_in(0, self, from, PAGE, SIZE, &done), -EINVAL, "past the end is EINVAL");
	check_result(copy_in(0, self, from, PAGE, -PAGE, &done), -EINVAL, "around the end too");
	check_result(copy_in(0, self, from, 1ul << 63, PAGE, &done), -EINVAL, "more than fits too");
	check_result(copy_in(0, self, PAGE, PAGE, 0, &done), -EFAULT,
		     "what is not mapped is EFAULT");
	munmap(memory + PAGE, PAGE);
	check(!copy_in(0, self, from, SIZE, 0, &done) && done == PAGE, "it stops before a hole");
	check_result(copy_in(0, 99, from, PAGE, 0, &done), -EBADF, "no target is EBADF");
	check_result(copy_in(vas + 1000, 0, from, PAGE, 0, &done), -ENOENT, "no VAS is ENOENT");
	map_memory(memory + PAGE, PAGE);
	munmap(view, SIZE);
	close(fd);
	vas_delete(vas);
	segment_delete(segment);
}

static int change_segment(void)
{
	char *mapped = (char *)START;

	if (!filled(mapped, SIZE, 4))
		return 1;
	fill(mapped, SIZE, 5);
	return 0;
}

static __u32 image;

static int exec_change(void)
{
	return -revive(image, change_segment);
}

static int attach(__u32 id, __u32 access)
{
	struct mvas_seg_attach attach = {
		.size = sizeof(attach), .vas_id = image, .seg_id = id, .access = access
	};

	return call(MVAS_SEG_ATTACH, &attach);
}

static int detach(__u32 id)
{
	struct mvas_seg_attach detach = { .size = sizeof(detach), .vas_id = image, .seg_id = id };

	return call(MVAS_SEG_DETACH, &detach);
}

static void attached(void)
{
	__u32 loose, overlapping, taken;
	char *view;
	int fd;

	segment_create("attached", START, SIZE, &segment);
	segment_create("loose", 0, SIZE, &loose);
	segment_create("overlapping", START + SIZE - PAGE, SIZE, &overlapping);
	segment_create("taken", (uintptr_t)memory, SIZE, &taken);
	fd = segment_open(segment, O_RDWR);
	view = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	fill(view, SIZE, 4);
	check_result(vas_fork(MVAS_TARGET_SELF, MVAS_FILES_WHOLE, &image), 0, "FORK");
	check_result(attach(segment, O_RDWR), 0, "SEG_ATTACH");
	check_result(attach(segment, O_RDWR), -EEXIST, "but once");
	check_result(attach(segment, O_WRONLY), -EINVAL, "O_WRONLY is EINVAL");
	check_result(attach(loose, O_RDWR), -EINVAL, "a segment without address is EINVAL");
	check_result(attach(overlapping, O_RDWR), -EBUSY, "one that overlaps is EBUSY");
	check_result(segment_delete(segment), -EBUSY, "what is attached cannot be deleted");
	check_result(in_child(exec_change), 0, "EXEC maps it where it belongs");
	check(filled(view, SIZE, 5), "and it is shared");
	check_result(detach(segment), 0, "SEG_DETACH");
	check_result(detach(segment), -ENOENT, "but once");
	check_result(in_child(exec_change), 1000 + SIGSEGV, "EXEC maps it no more");
	check_result(attach(segment, O_RDONLY), 0, "SEG_ATTACH for reading");
	fill(view, SIZE, 4);
	check_result(in_child(exec_change), 1000 + SIGSEGV, "gives no writing");
	check_result(attach(taken, O_RDWR), 0, "SEG_ATTACH where the VAS has memory");
	check_result(in_child(exec_change), EEXIST, "makes EXEC fail");
	check_result(vas_delete(image), 0, "DELETE of the VAS");
	check(!segment_delete(segment) && !segment_delete(loose) && !segment_delete(taken) &&
		      !segment_delete(overlapping),
	      "sets its segments free");
	munmap(view, SIZE);
	close(fd);
}

int main(void)
{
	open_device();
	memory = map_memory(NULL, SIZE);
	objects();
	changes_at_once();
	shared_memory();
	copies();
	attached();
	return finish();
}
