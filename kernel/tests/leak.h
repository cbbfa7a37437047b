/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether calls leave anything behind in the kernel: address spaces, processes, their memory, or
 * pages that nothing accounts for.
 */
#ifndef MVAS_LEAK_H
#define MVAS_LEAK_H

#include "check.h"

#define LEAK_CALLS 60

/* The figure after a word at the beginning of a line, or -1. */
static inline long figure_of(const char *path, const char *word)
{
	FILE *file = fopen(path, "r");
	char line[256];
	long value = -1;

	if (!file)
		die(path);
	while (value < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, word, strlen(word)) && strchr(": ", line[strlen(word)]))
			value = strtol(line + strlen(word) + 1, NULL, 10);
	fclose(file);
	return value;
}

/* Objects of a slab cache that are in use: those cached for each processor are returned first.
 */
static inline long slab_objects(const char *cache)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", cache);
	write_text(path, "1");
	return figure_of("/proc/slabinfo", cache);
}

struct leak_figures {
	long mms;
	long tasks;
	long page_tables; /* pages, as is the rest */
	long mapped;	  /* anonymous memory of some process or VAS */
	long anonymous;	  /* all of that, including pages that nobody maps but something holds */
	long free;
};

static inline struct leak_figures leak_figures(void)
{
	const char *const vmstat = "/proc/vmstat";

	/* Makes the kernel return pages, and add up what each processor counts for itself. */
	write_text("/proc/sys/vm/compact_memory", "1");
	write_text("/proc/sys/vm/stat_refresh", "1");
	return (struct leak_figures){
		.mms = slab_objects("mm_struct"),
		.tasks = slab_objects("task_struct"),
		.page_tables = figure_of(vmstat, "nr_page_table_pages"),
		.mapped = figure_of(vmstat, "nr_anon_pages"),
		.anonymous =
			figure_of(vmstat, "nr_active_anon") + figure_of(vmstat, "nr_inactive_anon"),
		.free = figure_of(vmstat, "nr_free_pages"),
	};
}

static inline struct leak_figures leak_growth(const struct leak_figures *before)
{
	struct leak_figures now = leak_figures();

	return (struct leak_figures){
		.mms = now.mms - before->mms,
		.tasks = now.tasks - before->tasks,
		.page_tables = now.page_tables - before->page_tables,
		.mapped = now.mapped - before->mapped,
		.anonymous = now.anonymous - before->anonymous,
		.free = now.free - before->free,
	};
}

/*
 * Growth by less than three for every four calls is not a leak, nor are the megabytes of free pages
 * that come and go in the kernel's lists.
 */
static inline bool leak_none(const struct leak_figures *growth)
{
	const long few = LEAK_CALLS * 3 / 4;

	return growth->mms < few && growth->tasks < few && growth->page_tables < few &&
	       growth->mapped < few && growth->anonymous < few &&
	       growth->free > -(long)(LEAK_CALLS * MIB / PAGE);
}

/*
 * Calls a function often, and compares the figures before and after. Processes and mappings are
 * freed some time after they are gone.
 */
static inline void check_no_leak(void (*function)(void), const char *what)
{
	struct leak_figures before, growth;

	for (int i = 0; i < LEAK_CALLS / 2; i++)
		function();
	usleep(500000);
	before = leak_figures();
	for (int i = 0; i < LEAK_CALLS; i++)
		function();
	growth = leak_growth(&before);
	for (int i = 0; i < 50 && !leak_none(&growth); i++) {
		usleep(200000);
		growth = leak_growth(&before);
	}
	printf("# more by: %ld mms, %ld tasks, pages: %ld of tables, %ld mapped, %ld anonymous, "
	       "%ld free\n",
	       growth.mms, growth.tasks, growth.page_tables, growth.mapped, growth.anonymous,
	       growth.free);
	check(leak_none(&growth), "%s leave nothing behind", what);
}

#endif
