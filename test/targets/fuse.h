/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FUSE file system with one folder and one file of a page, served by a child of the target. It makes the kernel
 * cache nothing, so that each access is a request to the server.
 */
#ifndef TARGET_FUSE_H
#define TARGET_FUSE_H

#include "target.h"
#include <linux/fuse.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

#define FUSE_FILE_INODE 2
#define FUSE_FILE_SIZE 4096
#define FUSE_ROOM (FUSE_MIN_READ_BUFFER * 2)

static void fuse_answer(int device, unsigned long long unique, int error, const void *data,
			size_t size)
{
	struct fuse_out_header out = { sizeof(out) + size, error, unique };
	struct iovec parts[] = { { &out, sizeof(out) }, { (void *)data, size } };

	/* ENOENT: the caller was interrupted. */
	if (writev(device, parts, 2) < 0 && errno != ENOENT)
		_exit(1);
}

static struct fuse_attr fuse_attributes(unsigned long long inode)
{
	struct fuse_attr attr = { .ino = inode, .nlink = 1, .blksize = 4096 };

	attr.mode = inode == FUSE_FILE_INODE ? S_IFREG | 0644 : S_IFDIR | 0755;
	attr.size = inode == FUSE_FILE_INODE ? FUSE_FILE_SIZE : 0;
	return attr;
}

static void fuse_handle(int device, const struct fuse_in_header *in, const void *body)
{
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION,
				      .minor = FUSE_KERNEL_MINOR_VERSION,
				      .max_write = 4096 };
	struct fuse_attr_out attr = { .attr = fuse_attributes(in->nodeid) };
	struct fuse_entry_out entry = { .nodeid = FUSE_FILE_INODE,
					.attr = fuse_attributes(FUSE_FILE_INODE) };
	struct fuse_open_out opened = { 0 };
	const struct fuse_read_in *read = body;
	static char content[FUSE_FILE_SIZE];

	switch (in->opcode) {
	case FUSE_INIT:
		return fuse_answer(device, in->unique, 0, &init, sizeof(init));
	case FUSE_LOOKUP:
		if (strcmp(body, "file") != 0)
			return fuse_answer(device, in->unique, -ENOENT, 0, 0);
		return fuse_answer(device, in->unique, 0, &entry, sizeof(entry));
	case FUSE_GETATTR:
		return fuse_answer(device, in->unique, 0, &attr, sizeof(attr));
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return fuse_answer(device, in->unique, 0, &opened, sizeof(opened));
	case FUSE_READ:
		memset(content, 'f', sizeof(content));
		if (read->offset >= FUSE_FILE_SIZE)
			return fuse_answer(device, in->unique, 0, 0, 0);
		return fuse_answer(device, in->unique, 0, content, sizeof(content));
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_FLUSH:
		return fuse_answer(device, in->unique, 0, 0, 0);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return; /* which nobody waits for */
	default:
		return fuse_answer(device, in->unique, -ENOSYS, 0, 0);
	}
}

static void fuse_serve(void *argument)
{
	static char request[FUSE_ROOM] __attribute__((aligned(8)));
	int device = *(int *)argument;

	arrived();
	for (;;) {
		ssize_t got = read(device, request, sizeof(request));
		const struct fuse_in_header *in = (const void *)request;

		if (got < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN))
			continue;
		if (got < 0)
			_exit(0); /* ENODEV: unmounted */
		fuse_handle(device, in, in + 1);
	}
}

/* Makes a folder, and mounts it there, served by a child that runs `serve` with the device's descriptor. */
static void fuse_mount_by(const char *at, void (*serve)(void *))
{
	char options[128];
	int device;

	if (access("/dev/fuse", F_OK) < 0)
		MUST(mknod("/dev/fuse", S_IFCHR | 0600, makedev(10, 229)));
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (device < 0)
		SKIP("no FUSE in this kernel");
	MUST(mkdir(at, 0755));
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
	MUST(mount("target", at, "fuse", MS_NOSUID | MS_NODEV, options));
	spawn(serve, &device);
	close(device);
}

static void fuse_mount(const char *at)
{
	fuse_mount_by(at, fuse_serve);
}

#endif
