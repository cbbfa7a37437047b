/* SPDX-License-Identifier: Apache-2.0 */
/* Where this build lies, and how its programs are run: by the node that built them. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher.h"

#ifndef NODE
#error "NODE names the interpreter"
#endif

/* The executable is in <root>/bin; symbolic links to it do not matter. */
int locate(struct install *install)
{
	char self[MAX_PATH - sizeof(install->name) - 64];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self));
	char *slash;

	if (length <= 0 || length == sizeof(self))
		return -1;
	self[length] = '\0';
	slash = strrchr(self, '/');
	snprintf(install->name, sizeof(install->name), "%s", slash + 1);
	*slash = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return -1;
	*slash = '\0';
	strcpy(install->node, NODE);
	if (strcmp(install->name, SHIM) == 0)
		sprintf(install->entry, "%s/dist/bundle/shim/main.js", self);
	else
		sprintf(install->entry, "%s/dist/bundle/cli/%s.cjs", self, install->name);
	sprintf(install->addon, "%s/native/build/mvas.node", self);
	return 0;
}

bool is_complete(const struct install *install)
{
	const char *const needed[] = { install->entry, install->addon };

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		if (access(needed[i], F_OK) == 0)
			continue;
		fprintf(stderr,
			"%s: %s is not there; remedy: link to the executable of the checkout%s, "
			"and build that (npm run build)\n",
			install->name, needed[i],
			strcmp(install->name, SHIM) == 0 ? " ('mvas install')" : "");
		return false;
	}
	return true;
}

void drop_variables(const char *prefix)
{
	char **kept = environ;

	for (char **variable = environ; *variable; variable++)
		if (strncmp(*variable, prefix, strlen(prefix)) != 0)
			*kept++ = *variable;
	*kept = NULL;
}

void run_node(const struct install *install, int argc, char **argv)
{
	char **list = calloc((size_t)argc + 3, sizeof(*list));

	if (list) {
		list[0] = (char *)install->node;
		list[1] = "--no-warnings";
		list[2] = (char *)install->entry;
		for (int i = 1; i < argc; i++)
			list[i + 2] = argv[i];
		execv(install->node, list);
		execvp("node", list);
	}
	fprintf(stderr, "%s: run node: %s\n", install->name, strerror(errno));
	free(list);
}
