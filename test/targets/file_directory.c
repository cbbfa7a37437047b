/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories: reading goes on where it stopped; openat below; O_PATH of files, directories and links.
 * @needs: none
 * @expect: restore
 */
#include "target.h"
#include <dirent.h>
#include <sys/stat.h>

#define FILES 300

static char seen[FILES];

static int read_some(DIR *directory, int most)
{
	int count = 0;
	struct dirent *entry;
	while (count < most && (entry = readdir(directory))) {
		if (entry->d_name[0] != 'f') continue;
		int number = atoi(entry->d_name + 1);
		CHECK_EQ("seen once", 0, seen[number]);
		seen[number] = 1;
		count++;
	}
	return count;
}

int main(void)
{
	char path[64], text[8] = "";
	struct stat status;
	MUST(mkdir("/data/many", 0755));
	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "/data/many/f%d", i);
		close(MUST(open(path, O_WRONLY | O_CREAT, 0600)));
	}
	MUST(symlink("/nowhere", "/data/link"));
	DIR *directory = opendir("/data/many");
	CHECK(directory != NULL, "opendir");
	CHECK_EQ("some entries", 10, read_some(directory, 10));
	int folder = MUST(open("/data", O_RDONLY | O_DIRECTORY));
	int by_path = MUST(open("/data/many/f7", O_PATH));
	int link = MUST(open("/data/link", O_PATH | O_NOFOLLOW));
	int path_of_folder = MUST(open("/data", O_PATH | O_DIRECTORY));
	int shown = fcntl(by_path, F_GETFL);

	ready_and_wait();

	CHECK_EQ("the other entries", FILES - 10, read_some(directory, FILES));
	MUST(openat(folder, "many/f3", O_RDONLY));
	MUST(openat(path_of_folder, "many/f4", O_RDONLY));
	CHECK_EQ("flags of O_PATH", shown, fcntl(by_path, F_GETFL));
	CHECK(read(by_path, text, 1) == -1 && errno == EBADF, "O_PATH does not read");
	MUST(fstat(by_path, &status));
	CHECK(S_ISREG(status.st_mode), "O_PATH of a file");
	MUST(fstat(link, &status));
	CHECK(S_ISLNK(status.st_mode), "O_PATH of a link");
	CHECK_EQ("length of the link", 8, readlinkat(link, "", text, sizeof(text)));
	pass();
}
