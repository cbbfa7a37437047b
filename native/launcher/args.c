/* SPDX-License-Identifier: Apache-2.0 */
/* The plain form of src/shim/args.ts: only what containerd writes. */
#include <string.h>

#include "launcher.h"

static const char *const skipped_flags[] = { "-publish-binary", "-socket", "-debug-socket" };

static int is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_identifier(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > MAX_IDENTIFIER)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (is_alphanumeric(text[i]))
			continue;
		if (!strchr("._-", text[i]) || i == 0 || !is_alphanumeric(text[i - 1]) ||
		    i + 1 == length)
			return false;
	}
	return true;
}

static int is_skipped(const char *flag)
{
	for (size_t i = 0; i < sizeof(skipped_flags) / sizeof(*skipped_flags); i++)
		if (strcmp(flag, skipped_flags[i]) == 0)
			return 1;
	return 0;
}

int parse_args(int argc, char **argv, struct args *args)
{
	int i;

	*args = (struct args){ "", "", "", "", "" };
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		const char *flag = argv[i];

		if (strcmp(flag, "-debug") == 0)
			continue;
		if (++i == argc)
			return -1;
		if (strcmp(flag, "-namespace") == 0)
			args->namespace = argv[i];
		else if (strcmp(flag, "-id") == 0)
			args->id = argv[i];
		else if (strcmp(flag, "-address") == 0)
			args->address = argv[i];
		else if (strcmp(flag, "-bundle") == 0)
			args->bundle = argv[i];
		else if (!is_skipped(flag))
			return -1;
	}
	if (i + 1 != argc || !is_identifier(args->namespace) || !is_identifier(args->id))
		return -1;
	args->action = argv[i];
	return 0;
}
