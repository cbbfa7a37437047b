/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which group a container belongs to, as its spec says (src/common/daemon-socket.ts). A spec is
 * what a client of containerd has sent: it is read to its end, so that none is accepted that
 * JSON.parse would refuse for its structure. The daemon reads it once more.
 */
#include <stdbool.h>
#include <string.h>

#include "launcher.h"

#define MAX_DEPTH 64

/* A string without a backslash: its text is what stands between the quotes. */
struct text {
	const char *begin;
	size_t length;
	bool is_plain;
};

/* What has been found; `begin` is NULL for what has not. */
struct found {
	struct text group, sandbox;
	bool is_unsure;
};

static const char *skip_space(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

static bool is(const struct text *text, const char *name)
{
	return text->length == strlen(name) && memcmp(text->begin, name, text->length) == 0;
}

/* After the string; NULL when there is none. */
static const char *read_string(const char *at, struct text *text)
{
	if (*at++ != '"')
		return NULL;
	*text = (struct text){ .begin = at, .is_plain = true };
	for (; *at != '"'; at++) {
		if ((unsigned char)*at < ' ')
			return NULL;
		if (*at != '\\')
			continue;
		text->is_plain = false;
		if ((unsigned char)*++at < ' ')
			return NULL;
	}
	text->length = (size_t)(at - text->begin);
	return at + 1;
}

/* After a number or a word. */
static const char *skip_plain(const char *at)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strncmp(at, words[i], strlen(words[i])) == 0)
			return at + strlen(words[i]);
	return *at == '-' || (*at >= '0' && *at <= '9') ? at + strspn(at, "-+.0123456789eE") : NULL;
}

typedef const char *read_member(const char *at, const struct text *name, int depth,
				struct found *found);

/* The member's name and colon; its value is left to read. */
static const char *read_name(const char *at, struct text *name)
{
	at = read_string(skip_space(at), name);
	at = at ? skip_space(at) : NULL;
	return at && *at == ':' ? skip_space(at + 1) : NULL;
}

/* Members of an object, each of which `read` reads. */
static const char *read_object(const char *at, int depth, read_member *read, struct found *found)
{
	struct text name;

	if (*at != '{' || depth > MAX_DEPTH)
		return NULL;
	at = skip_space(at + 1);
	if (*at == '}')
		return at + 1;
	for (;;) {
		at = read_name(at, &name);
		at = at ? read(at, &name, depth + 1, found) : NULL;
		at = at ? skip_space(at) : NULL;
		if (!at || (*at != ',' && *at != '}'))
			return NULL;
		if (*at++ == '}')
			return at;
	}
}

static const char *skip_value(const char *at, int depth);

static const char *skip_member(const char *at, const struct text *name, int depth,
			       struct found *found)
{
	(void)name;
	(void)found;
	return skip_value(at, depth);
}

static const char *skip_list(const char *at, int depth)
{
	at = skip_space(at + 1);
	if (*at == ']')
		return at + 1;
	for (;;) {
		at = depth > MAX_DEPTH ? NULL : skip_value(skip_space(at), depth + 1);
		at = at ? skip_space(at) : NULL;
		if (!at || (*at != ',' && *at != ']'))
			return NULL;
		if (*at++ == ']')
			return at;
	}
}

/* After a value; NULL when there is none. */
static const char *skip_value(const char *at, int depth)
{
	struct text ignored;

	if (*at == '"')
		return read_string(at, &ignored);
	if (*at == '{')
		return read_object(at, depth, skip_member, NULL);
	return *at == '[' ? skip_list(at, depth) : skip_plain(at);
}

/* Notes a value that decides; the same name twice is for Node to judge. */
static const char *note(const char *at, int depth, struct text *value, struct found *found)
{
	if (value->begin || *at != '"') {
		found->is_unsure = true;
		return skip_value(at, depth);
	}
	at = read_string(at, value);
	found->is_unsure |= !value->is_plain;
	return at;
}

static const char *read_annotation(const char *at, const struct text *name, int depth,
				   struct found *found)
{
	if (is(name, "io.containerd.runc.v2.group"))
		return note(at, depth, &found->group, found);
	if (is(name, "io.kubernetes.cri.sandbox-id"))
		return note(at, depth, &found->sandbox, found);
	/* Another way for containerd to talk to the daemon, which src/shim/answer.ts settles. */
	found->is_unsure |= !name->is_plain || is(name, "mvas.protocol");
	return skip_value(at, depth);
}

static const char *read_part(const char *at, const struct text *name, int depth,
			     struct found *found)
{
	found->is_unsure |= !name->is_plain;
	if (!is(name, "annotations"))
		return skip_value(at, depth);
	found->is_unsure |= found->group.begin || found->sandbox.begin || *at != '{';
	return *at == '{' ? read_object(at, depth, read_annotation, found) : skip_value(at, depth);
}

int group_of(const char *spec, char group[MAX_IDENTIFIER + 1])
{
	struct found found = { .is_unsure = false };
	const char *end = read_object(skip_space(spec), 0, read_part, &found);
	const struct text *value = found.group.length > 0 ? &found.group : &found.sandbox;

	if (!end || *skip_space(end) != '\0' || found.is_unsure || value->length == 0 ||
	    value->length > MAX_IDENTIFIER)
		return -1;
	memcpy(group, value->begin, value->length);
	group[value->length] = '\0';
	return is_identifier(group) ? 0 : -1;
}
