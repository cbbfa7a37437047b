/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher.h"

#ifndef NODE
#error "NODE names the interpreter"
#endif

/* The executable lies in <root>/bin; symbolic links to it do not matter. */
static int locate(struct install *install)
{
	char self[MAX_PATH];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length <= 0)
		return -1;
	self[length] = '\0';
	for (int level = 0; level < 2; level++) {
		char *slash = strrchr(self, '/');

		if (!slash)
			return -1;
		*slash = '\0';
	}
	if (strlen(self) > MAX_PATH - 64)
		return -1;
	strcpy(install->node, NODE);
	sprintf(install->entry, "%s/dist/bundle/shim/main.js", self);
	sprintf(install->addon, "%s/native/build/mvas.node", self);
	return 0;
}

/* Whether what it runs lies where it should. A copy of the executable has left it behind. */
static bool is_complete(const struct install *install)
{
	const char *const needed[] = { install->entry, install->addon };

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		if (access(needed[i], F_OK) == 0)
			continue;
		fprintf(stderr,
			"containerd-shim-mvas-v1: %s is not there; remedy: link to the executable "
			"of the checkout ('mvas install'), and build that (npm run build)\n",
			needed[i]);
		return false;
	}
	return true;
}

/*
 * Takes NODE_OPTIONS, NODE_DEBUG and the like out of the environment. They are meant for others,
 * and would have Node print on the streams that containerd reads addresses and messages from.
 */
static void drop_node_variables(void)
{
	static const char prefix[] = "NODE_";
	char **kept = environ;

	for (char **variable = environ; *variable; variable++)
		if (strncmp(*variable, prefix, strlen(prefix)) != 0)
			*kept++ = *variable;
	*kept = NULL;
}

/* Becomes Node, running src/shim/main.ts with our arguments. Returns when that is impossible. */
static void run_node(const struct install *install, int argc, char **argv)
{
	char **list = calloc((size_t)argc + 3, sizeof(*list));

	if (!list)
		return;
	list[0] = (char *)install->node;
	list[1] = "--no-warnings";
	list[2] = (char *)install->entry;
	for (int i = 1; i < argc; i++)
		list[i + 2] = argv[i];
	execv(install->node, list);
	execvp("node", list);
	free(list);
}

int main(int argc, char **argv)
{
	struct install install;
	struct args args;

	drop_node_variables();
	if (locate(&install) < 0) {
		fputs("containerd-shim-mvas-v1: cannot tell where it lies\n", stderr);
		return 1;
	}
	bool is_plain = parse_args(argc, argv, &args) == 0;

	if (is_plain && strcmp(args.action, "delete") == 0 && answer_delete(&args) == 0)
		return 0;
	if (!is_complete(&install))
		return 1;
	if (is_plain && strcmp(args.action, "start") == 0 &&
	    start_by_standby(&install, argc, argv) == 0)
		return 0;
	run_node(&install, argc, argv);
	perror("containerd-shim-mvas-v1: run node");
	return 1;
}
