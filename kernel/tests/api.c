// SPDX-License-Identifier: GPL-2.0-only
/* The calls themselves: every one with arguments that are wrong, and objects without memory. */
#include "check.h"

static void *unmapped;

/* All numbers, and the sizes of their structures. */
static const struct {
	const char *name;
	unsigned long number;
	size_t size;
} calls[] = {
	{ "INFO", MVAS_INFO, sizeof(struct mvas_info) },
	{ "CREATE", MVAS_CREATE, sizeof(struct mvas_create) },
	{ "DELETE", MVAS_DELETE, sizeof(struct mvas_id) },
	{ "FIND", MVAS_FIND, sizeof(struct mvas_find) },
	{ "GETATTR", MVAS_GETATTR, sizeof(struct mvas_attr) },
	{ "SETATTR", MVAS_SETATTR, sizeof(struct mvas_attr) },
	{ "LIST", MVAS_LIST, sizeof(struct mvas_list) },
	{ "FORK", MVAS_FORK, sizeof(struct mvas_fork) },
	{ "CAPTURE", MVAS_CAPTURE, sizeof(struct mvas_fork) },
	{ "EXEC", MVAS_EXEC, sizeof(struct mvas_exec) },
	{ "READ", MVAS_READ, sizeof(struct mvas_read) },
	{ "MAPS", MVAS_MAPS, sizeof(struct mvas_maps) },
	{ "ATTACH", MVAS_ATTACH, sizeof(struct mvas_attach) },
	{ "DETACH", MVAS_DETACH, sizeof(struct mvas_attach) },
	{ "SWITCH", MVAS_SWITCH, sizeof(struct mvas_exec) },
	{ "ACTIVE", MVAS_ACTIVE, sizeof(struct mvas_id) },
	{ "SEG_CREATE", MVAS_SEG_CREATE, sizeof(struct mvas_seg_create) },
	{ "SEG_DELETE", MVAS_SEG_DELETE, sizeof(struct mvas_id) },
	{ "SEG_FIND", MVAS_SEG_FIND, sizeof(struct mvas_find) },
	{ "SEG_GETATTR", MVAS_SEG_GETATTR, sizeof(struct mvas_attr) },
	{ "SEG_SETATTR", MVAS_SEG_SETATTR, sizeof(struct mvas_attr) },
	{ "SEG_LIST", MVAS_SEG_LIST, sizeof(struct mvas_list) },
	{ "SEG_ATTACH", MVAS_SEG_ATTACH, sizeof(struct mvas_seg_attach) },
	{ "SEG_DETACH", MVAS_SEG_DETACH, sizeof(struct mvas_seg_attach) },
	{ "SEG_FD", MVAS_SEG_FD, sizeof(struct mvas_seg_fd) },
	{ "SEG_COPYIN", MVAS_SEG_COPYIN, sizeof(struct mvas_seg_copyin) },
};

static int with(unsigned int i, size_t size, size_t at, uint32_t value)
{
	static char buffer[2 * PAGE];

	memset(buffer, 0, sizeof(buffer));
	memcpy(buffer, &(__u64){ size }, sizeof(__u64));
	if (at)
		memcpy(buffer + at, &value, sizeof(value));
	return call(calls[i].number, buffer);
}

static void envelopes(void)
{
	for (unsigned int i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		size_t size = calls[i].size;
		char *edge = (char *)unmapped - 8;

		check(call(calls[i].number, NULL) == -EFAULT &&
			      call(calls[i].number, unmapped) == -EFAULT &&
			      call(calls[i].number, (void *)-4096l) == -EFAULT,
		      "%s: a bad pointer is EFAULT", calls[i].name);
		memcpy(edge, &(__u64){ size }, 8);
		check(call(calls[i].number, edge) == -EFAULT,
		      "%s: a structure that ends too early is EFAULT", calls[i].name);
		check(with(i, 0, 0, 0) == -EINVAL && with(i, size - 1, 0, 0) == -EINVAL,
		      "%s: a short structure is EINVAL", calls[i].name);
		check(with(i, PAGE + 1, 0, 0) == -E2BIG && with(i, -1, 0, 0) == -E2BIG &&
			      with(i, size + 8, size, 1) == -E2BIG,
		      "%s: a longer structure that is not zero is E2BIG", calls[i].name);
	}
	check_result(call(MVAS_IOC(0x10), unmapped), -ENOTTY, "a number without call is ENOTTY");
	check_result(call(MVAS_IOC(0xff), unmapped), -ENOTTY, "a high number is ENOTTY");
	check_result(call(_IOC(_IOC_READ | _IOC_WRITE, 0xe7, 0, 16), unmapped), -ENOTTY,
		     "another size in the number is ENOTTY");
	check_result(call(TCGETS, unmapped), -ENOTTY, "a number of others is ENOTTY");
}

/*
 * An unknown flag on calls that would otherwise be valid: calls that look for their objects first
 * get existing ones. SWITCH is off, and reports that first.
 */
static void unknown_flags(void)
{
	union {
		__u32 words[128];
		struct mvas_id id;
		struct mvas_seg_attach attach;
		struct mvas_seg_fd fd;
		struct mvas_create create;
	} args;
	__u32 vas, segment;

	vas_create("flags", 0600, &vas);
	segment_create("flags", 0, PAGE, &segment);
	for (unsigned int i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		bool of_segment = !strncmp(calls[i].name, "SEG_", 4);
		int wanted = calls[i].number == MVAS_SWITCH ? -EOPNOTSUPP : -EINVAL;

		memset(&args, 0, sizeof(args));
		args.id.size = calls[i].size;
		args.id.flags = 0x80000000;
		if (calls[i].number == MVAS_SEG_ATTACH || calls[i].number == MVAS_SEG_DETACH) {
			args.attach.vas_id = vas;
			args.attach.seg_id = segment;
		} else if (strcmp(calls[i].name, "INFO") && !strstr(calls[i].name, "CREATE") &&
			   !strstr(calls[i].name, "FIND") && !strstr(calls[i].name, "LIST") &&
			   strcmp(calls[i].name, "FORK") && strcmp(calls[i].name, "CAPTURE") &&
			   strcmp(calls[i].name, "ACTIVE")) {
			args.id.id = of_segment ? segment : vas;
		}
		check(call(calls[i].number, &args) == wanted, "%s: an unknown flag is refused",
		      calls[i].name);
	}
	check(!vas_delete(vas) && !segment_delete(segment), "and nothing came of it");
}

static void info(void)
{
	struct {
		struct mvas_info info;
		__u64 later;
	} longer = { .info.size = sizeof(longer) };
	struct mvas_info info = { .size = sizeof(info) };

	check_result(call(MVAS_INFO, &info), 0, "INFO answers");
	check(info.version == MVAS_API_VERSION && info.size == sizeof(info), "its version is ours");
	check((info.capabilities & (MVAS_CAP_FORK | MVAS_CAP_EXEC | MVAS_CAP_CAPTURE |
				    MVAS_CAP_TARGET | MVAS_CAP_SEGMENTS)) ==
		      (MVAS_CAP_FORK | MVAS_CAP_EXEC | MVAS_CAP_CAPTURE | MVAS_CAP_TARGET |
		       MVAS_CAP_SEGMENTS),
	      "this kernel can do everything");
	check(!info.vas_count && !info.seg_count && !info.bytes, "nothing is there yet");
	check_result(call(MVAS_INFO, &longer), 0, "a longer structure with zeros is taken");
}

static void bad_names(void)
{
	static const char *const names[] = { "a/b", "/", ".", "..", "a\nb", "\x7f", "a\x1b" };
	struct mvas_create create = { .size = sizeof(create), .mode = 0600 };
	struct mvas_find find = { .size = sizeof(find) };
	__u32 id;

	for (unsigned int i = 0; i < sizeof(names) / sizeof(*names); i++)
		check_result(vas_create(names[i], 0600, &id), -EINVAL, "a bad name is EINVAL");
	memset(create.name, 'n', sizeof(create.name));
	check_result(call(MVAS_CREATE, &create), -EINVAL, "a name without end is EINVAL");
	create.name[sizeof(create.name) - 1] = 0;
	check_result(call(MVAS_CREATE, &create), 0, "255 bytes of name are taken");
	vas_delete(create.id);
	check_result(call(MVAS_FIND, &find), -EINVAL, "there is no looking for no name");
}

static bool listed(__u32 id)
{
	__u32 ids[16];
	struct mvas_list list = { .size = sizeof(list), .capacity = 16, .ids = (uintptr_t)ids };

	if (call(MVAS_LIST, &list))
		return false;
	for (__u32 i = 0; i < list.count && i < 16; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static bool in_sysfs(__u32 id, const char *file, const char *text)
{
	char path[64], content[300] = "";
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/vas/%u/%s", id, file);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return false;
	if (read(fd, content, sizeof(content) - 1) < 0)
		content[0] = 0;
	close(fd);
	return !strcmp(content, text);
}

static void life(void)
{
	struct mvas_find find = { .size = sizeof(find), .name = "one" };
	struct mvas_list list = { .size = sizeof(list) };
	__u32 one, other, id, ids[3] = { 0, 0, ~0u };
	struct mvas_attr attr;
	char byte, path[64];

	check_result(vas_create("one", 0640, &one), 0, "CREATE");
	check_result(vas_create("one", 0640, &id), -EEXIST, "a name is given once");
	check_result(vas_create("two", 01777, &id), -EINVAL, "a mode is 0666 at most");
	check(!vas_create("", 0600, &other) && other != one, "an object needs no name");
	check_result(vas_create("", 0600, &id), 0, "nor another");
	vas_delete(id);
	check(!call(MVAS_FIND, &find) && find.id == one, "FIND finds it");
	find = (struct mvas_find){ .size = sizeof(find), .name = "none" };
	check_result(call(MVAS_FIND, &find), -ENOENT, "and nothing else");
	check(listed(one) && listed(other), "LIST has both");
	check(!call(MVAS_LIST, &list) && list.count == 2, "LIST counts without room");
	list = (struct mvas_list){ .size = sizeof(list),
				   .capacity = 4,
				   .ids = (uintptr_t)unmapped };
	check_result(call(MVAS_LIST, &list), -EFAULT, "LIST into nowhere is EFAULT");
	list = (struct mvas_list){ .size = sizeof(list), .capacity = ~0u, .ids = (uintptr_t)ids };
	check(!call(MVAS_LIST, &list) && list.count == 2 && ids[0] == one && ids[1] == other &&
		      ids[2] == ~0u,
	      "LIST with any capacity writes what there is, in order");
	check(!vas_attr(one, &attr) && !strcmp(attr.name, "one") && attr.mode == 0640 &&
		      !attr.uid && !attr.gid && !attr.state && !attr.bytes && attr.created,
	      "GETATTR says it all");
	check(in_sysfs(one, "name", "one\n") && in_sysfs(one, "mode", "0640\n") &&
		      in_sysfs(one, "user", "0\n") && in_sysfs(one, "group", "0\n") &&
		      in_sysfs(one, "rss", "0\n"),
	      "sysfs says the same");
	check_result(vas_read(one, path, &byte, 1, NULL), -ENODATA, "READ of nothing is ENODATA");
	check_result(vas_exec(one, path, path), -ENODATA, "EXEC of nothing is ENODATA");
	check_result(vas_delete(one), 0, "DELETE");
	check_result(vas_delete(one), -ENOENT, "and it is gone");
	snprintf(path, sizeof(path), "/sys/kernel/vas/%u", one);
	check(access(path, F_OK) && !listed(one) && vas_attr(one, &attr) == -ENOENT,
	      "from everywhere");
	check(!vas_delete(other), "DELETE of the other");
	check(vas_delete(0) == -ENOENT && vas_delete(~0u) == -ENOENT, "odd ids are ENOENT");
}

static int set(__u32 id, __u32 valid, __u32 mode, __u32 uid)
{
	struct mvas_attr attr = {
		.size = sizeof(attr), .id = id, .valid = valid, .mode = mode, .uid = uid
	};

	return call(MVAS_SETATTR, &attr);
}

static void attributes(void)
{
	struct mvas_attr attr;
	__u32 id;

	vas_create("attributes", 0600, &id);
	check_result(set(id, MVAS_SET_MODE, 0644, 0), 0, "SETATTR of the mode");
	check_result(set(id, MVAS_SET_UID | MVAS_SET_GID, 0, 1000), 0, "and of the owner");
	check(!vas_attr(id, &attr) && attr.mode == 0644 && attr.uid == 1000 && !attr.gid,
	      "GETATTR says so");
	check(in_sysfs(id, "mode", "0644\n") && in_sysfs(id, "user", "1000\n"), "so does sysfs");
	check_result(set(id, MVAS_SET_MODE, 0700, 0), -EINVAL, "a mode without sense is EINVAL");
	check_result(set(id, 8, 0, 0), -EINVAL, "an unknown attribute is EINVAL");
	check_result(set(id, 0, 0, 0), -EINVAL, "no attribute is EINVAL");
	check_result(set(id, MVAS_SET_UID, 0, ~0u), -EINVAL, "no user is EINVAL");
	vas_delete(id);
}

static void limits(void)
{
	__u32 one, two, id;

	write_text("/sys/module/mvas/parameters/max_vas", "2");
	check(!vas_create("", 0600, &one) && !vas_create("", 0600, &two), "up to the limit");
	check_result(vas_create("", 0600, &id), -ENOSPC, "and no further");
	write_text("/sys/module/mvas/parameters/max_vas", "1");
	check(listed(one) && listed(two), "LIST has all, also with a limit of less");
	write_text("/sys/module/mvas/parameters/max_vas", "4096");
	write_text("/sys/module/mvas/parameters/max_vas_user", "2");
	check_result(vas_create("", 0600, &id), -EDQUOT, "nor further than a user may");
	check_result(set(one, MVAS_SET_UID, 0, 1000), 0, "an object given away");
	check_result(vas_create("", 0600, &id), 0, "makes room");
	check_result(set(one, MVAS_SET_UID, 0, 0), -EDQUOT, "that cannot be got round");
	write_text("/sys/module/mvas/parameters/max_vas_user", "4096");
	vas_delete(one);
	vas_delete(two);
	vas_delete(id);
	write_text("/sys/module/mvas/parameters/max_bytes", "1048576");
	check_result(segment_create("", 0, 2 * MIB, &id), -ENOSPC, "bytes have a limit");
	check_result(segment_create("", 0, MIB, &id), 0, "that can be reached");
	check_result(vas_fork(MVAS_TARGET_SELF, 0, &one), -ENOSPC, "by all objects together");
	segment_delete(id);
	write_text("/sys/module/mvas/parameters/max_bytes", "0");
	write_text("/sys/module/mvas/parameters/max_bytes_user", "1048576");
	check_result(segment_create("", 0, 2 * MIB, &id), -EDQUOT, "so have those of one user");
	write_text("/sys/module/mvas/parameters/max_bytes_user", "0");
}

static void attachments(void)
{
	struct mvas_attach attach = { .size = sizeof(attach), .access = O_RDWR };
	struct mvas_attach detach = { .size = sizeof(detach) };
	struct mvas_exec change = { .size = sizeof(change) };
	struct mvas_id active = { .size = sizeof(active) };
	int first = device;
	__u32 id;

	vas_create("attachments", 0600, &id);
	attach.id = detach.id = change.id = id;
	check_result(call(MVAS_ATTACH, &attach), 0, "ATTACH");
	check_result(call(MVAS_ATTACH, &attach), -EEXIST, "but once");
	check_result(vas_delete(id), -EBUSY, "what is attached cannot be deleted");
	check_result(call(MVAS_DETACH, &detach), 0, "DETACH");
	check_result(call(MVAS_DETACH, &detach), -ENOENT, "but once");
	attach.access = 3;
	check_result(call(MVAS_ATTACH, &attach), -EINVAL, "an odd access is EINVAL");
	attach.access = O_RDONLY;
	open_device();
	check_result(call(MVAS_ATTACH, &attach), 0, "ATTACH by another open file");
	close(device);
	device = first;
	check_result(call(MVAS_DETACH, &detach), -ENOENT, "is its own");
	check_result(call(MVAS_SWITCH, &change), -EOPNOTSUPP, "SWITCH is off by default");
	check(!call(MVAS_ACTIVE, &active) && !active.id, "ACTIVE: no VAS");
	check_result(vas_delete(id), 0, "and ends when it is closed");
}

int main(void)
{
	unmapped = (char *)map_memory(NULL, 2 * PAGE) + PAGE;
	munmap(unmapped, PAGE);
	open_device();
	info();
	envelopes();
	unknown_flags();
	bad_names();
	life();
	attributes();
	limits();
	attachments();
	return finish();
}
