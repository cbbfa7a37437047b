/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "launcher.h"

bool is_plain(const char *path)
{
	size_t length = strlen(path);

	return path[0] == '/' && length > 1 && path[length - 1] != '/' && !strstr(path, "//") &&
	       !strstr(path, "/.");
}

int read_file(const char *path, struct content *content)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 0;

	content->length = 0;
	content->text[0] = '\0';
	if (fd < 0)
		return -1;
	do {
		content->length += (size_t)got;
		got = read(fd, content->text + content->length,
			   sizeof(content->text) - 1 - content->length);
	} while (got > 0);
	content->text[content->length] = '\0';
	close(fd);
	if (got == 0 && content->length == sizeof(content->text) - 1)
		errno = EFBIG;
	return got == 0 && content->length < sizeof(content->text) - 1 ? 0 : -1;
}
