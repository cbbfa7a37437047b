// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/vas/ID and /sys/kernel/vas_segs/ID. No attribute takes mvas_lock, since the object's
 * deletion waits for its readers.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/sysfs.h>

#include "mvas_segment.h"
#include "mvas_sysfs.h"
#include "mvas_vas.h"

struct attribute_of {
	struct attribute attribute;
	ssize_t (*show)(struct mvas_object *object, char *text);
};

static ssize_t show(struct kobject *kobj, struct attribute *attribute, char *text)
{
	struct attribute_of *of = container_of(attribute, struct attribute_of, attribute);
	struct mvas_object *object = container_of(kobj, struct mvas_object, kobj);

	if (object->ns != current_user_ns() && !ns_capable_noaudit(object->ns, CAP_DAC_OVERRIDE))
		return -EACCES;
	return of->show(object, text);
}

static const struct sysfs_ops operations = { .show = show };

static ssize_t show_name(struct mvas_object *object, char *text)
{
	return sysfs_emit(text, "%s\n", object->name);
}

static ssize_t show_mode(struct mvas_object *object, char *text)
{
	return sysfs_emit(text, "%#o\n", READ_ONCE(object->mode));
}

static ssize_t show_user(struct mvas_object *object, char *text)
{
	return sysfs_emit(text, "%u\n", from_kuid_munged(current_user_ns(), object->uid));
}

static ssize_t show_group(struct mvas_object *object, char *text)
{
	return sysfs_emit(text, "%u\n", from_kgid_munged(current_user_ns(), object->gid));
}

static ssize_t show_created(struct mvas_object *object, char *text)
{
	return sysfs_emit(text, "%lld\n", object->created);
}

static ssize_t show_rss(struct mvas_object *object, char *text)
{
	struct mm_struct *mm = READ_ONCE(mvas_to_vas(object)->mm);

	return sysfs_emit(text, "%lu\n", mm ? get_mm_rss(mm) << PAGE_SHIFT : 0);
}

static ssize_t show_start(struct mvas_object *object, char *text)
{
	return sysfs_emit(text, "%#llx\n", mvas_to_segment(object)->start);
}

static ssize_t show_size(struct mvas_object *object, char *text)
{
	return sysfs_emit(text, "%llu\n", mvas_to_segment(object)->length);
}

#define ATTRIBUTE(title) \
	static struct attribute_of attribute_##title = { \
		.attribute = { .name = #title, .mode = 0444 }, \
		.show = show_##title, \
	}

ATTRIBUTE(name);
ATTRIBUTE(mode);
ATTRIBUTE(user);
ATTRIBUTE(group);
ATTRIBUTE(created);
ATTRIBUTE(rss);
ATTRIBUTE(start);
ATTRIBUTE(size);

static struct attribute *vas_attrs[] = { &attribute_name.attribute,
					 &attribute_mode.attribute,
					 &attribute_user.attribute,
					 &attribute_group.attribute,
					 &attribute_created.attribute,
					 &attribute_rss.attribute,
					 NULL };
ATTRIBUTE_GROUPS(vas);

static struct attribute *segment_attrs[] = {
	&attribute_name.attribute,    &attribute_mode.attribute,
	&attribute_user.attribute,    &attribute_group.attribute,
	&attribute_created.attribute, &attribute_start.attribute,
	&attribute_size.attribute,    NULL
};
ATTRIBUTE_GROUPS(segment);

/** mvas_sysfs_init() - says what the directories of either kind hold; before mvas_kind_init() */
void mvas_sysfs_init(void)
{
	mvas_vases.type.sysfs_ops = &operations;
	mvas_vases.type.default_groups = vas_groups;
	mvas_segments.type.sysfs_ops = &operations;
	mvas_segments.type.default_groups = segment_groups;
}
