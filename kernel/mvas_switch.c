// SPDX-License-Identifier: GPL-2.0-only
/*
 * SWITCH and related calls: an open file of the device is a client, which may switch to the VASes
 * that it has attached.
 */
#include <linux/capability.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "mvas_calls.h"
#include "mvas_mm.h"
#include "mvas_vas.h"

bool mvas_experimental;

/* An open file's right to switch to a VAS; holds a reference and a use of it. */
struct attachment {
	struct list_head list;
	struct mvas_vas *vas;
	int rights;
};

/**
 * struct mvas_client - an open file of /dev/mvas
 * @attachments: rights to switch, under mvas_lock
 * @switching: protects what follows
 * @own: the memory of the process that has switched, one user of it
 * @switched: the VAS it is in; a reference and a use
 */
struct mvas_client {
	struct list_head attachments;
	/* One switch at a time through the same open file. */
	struct mutex switching;
	struct mm_struct *own;
	struct mvas_vas *switched;
};

/** mvas_client_create() - the state of an open file of the device; NULL without memory */
struct mvas_client *mvas_client_create(void)
{
	struct mvas_client *client = kzalloc(sizeof(*client), GFP_KERNEL_ACCOUNT);

	if (client) {
		INIT_LIST_HEAD(&client->attachments);
		mutex_init(&client->switching);
	}
	return client;
}

/* The use keeps the VAS from being deleted, wherever it may be attached. */
static void drop_use(struct mvas_vas *vas)
{
	mutex_lock(&mvas_lock);
	vas->object.uses--;
	mutex_unlock(&mvas_lock);
}

/*
 * Ends a switch, if there was one, and drops what it held. Nobody else uses the client, or
 * @switching is held.
 */
static void forget_switch(struct mvas_client *client)
{
	struct mvas_vas *vas = client->switched;

	if (!vas)
		return;
	client->switched = NULL;
	if (client->own)
		mmput(client->own);
	client->own = NULL;
	drop_use(vas);
	mvas_object_put(&vas->object);
}

/* Forgets a switch that ended with the process it was made in. */
static int forget_stale(struct mvas_client *client)
{
	if (client->switched && atomic_read(&client->switched->mm->mm_users) > 1)
		return -EBUSY;
	forget_switch(client);
	return 0;
}

/* Whether a process is in a VAS through a client; under @switching. */
static bool has_switched(struct mvas_client *client, struct mvas_vas *vas)
{
	return client->switched == vas && forget_stale(client);
}

static struct attachment *find_attachment(struct mvas_client *client, struct mvas_vas *vas)
{
	struct attachment *attachment;

	lockdep_assert_held(&mvas_lock);
	list_for_each_entry(attachment, &client->attachments, list)
		if (attachment->vas == vas)
			return attachment;
	return NULL;
}

/* Whether a client has a VAS attached with these rights: 0, -ENOENT or -EACCES. */
static int check_attached(struct mvas_client *client, struct mvas_vas *vas, int rights)
{
	struct attachment *attachment = find_attachment(client, vas);

	if (!attachment)
		return -ENOENT;
	return (attachment->rights & rights) == rights ? 0 : -EACCES;
}

/* A user of the memory of a VAS that nobody is in; the count says so to others. */
static int enter(struct mvas_client *client, struct mvas_vas *vas)
{
	int ret;

	mutex_lock(&mvas_lock);
	ret = check_attached(client, vas, MVAS_MAY_READ | MVAS_MAY_WRITE);
	if (!ret && atomic_read(&vas->mm->mm_users) != 1)
		ret = -EBUSY;
	if (!ret) {
		mmget(vas->mm);
		vas->object.uses++;
	}
	mutex_unlock(&mvas_lock);
	return ret;
}

static int switch_to_vas(struct mvas_client *client, u32 id)
{
	struct mvas_vas *vas;
	struct mm_struct *old;
	int ret = forget_stale(client);

	if (ret)
		return ret;
	vas = mvas_vas_get_image(id, 0);
	if (IS_ERR(vas))
		return PTR_ERR(vas);
	ret = mvas_vas_settle(vas) ? enter(client, vas) : -EBUSY;
	if (ret)
		goto err_vas;
	/* The last process in it may have been in another time namespace. */
	ret = mvas_mm_forget_clock(vas->mm);
	if (ret)
		goto err_mm;
	old = mvas_swap(vas->mm, 1);
	ret = PTR_ERR_OR_ZERO(old);
	if (ret)
		goto err_mm;
	client->own = old;
	client->switched = vas;
	return 0;

err_mm:
	drop_use(vas);
	mmput(vas->mm);
err_vas:
	mvas_object_put(&vas->object);
	return ret;
}

/* The VAS counts as a second user of what the process is in. */
static int switch_back(struct mvas_client *client)
{
	struct mvas_vas *vas = client->switched;
	struct mm_struct *old;

	if (!vas || current->mm != vas->mm)
		return -EINVAL;
	/* The process may have changed its time namespace meanwhile. */
	if (mvas_mm_forget_clock(client->own))
		return -EINTR;
	old = mvas_swap(client->own, 2);
	if (IS_ERR(old))
		return PTR_ERR(old);
	mmput(old);
	/* The process has it again. */
	client->own = NULL;
	forget_switch(client);
	return 0;
}

int mvas_ioc_switch(struct mvas_client *client, void *args)
{
	struct mvas_exec *to = args;
	int ret = mvas_swap_check();

	if (!mvas_experimental)
		return -EOPNOTSUPP;
	if (to->flags)
		return -EINVAL;
	/* The OOM killer ignores a process that is in a VAS. */
	if (to->id && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (!ret)
		ret = mvas_swap_check_place(to);
	if (ret)
		return ret;
	mutex_lock(&client->switching);
	ret = to->id ? switch_to_vas(client, to->id) : switch_back(client);
	mutex_unlock(&client->switching);
	if (!ret && (to->ip || to->sp))
		mvas_go_on_at(to);
	return ret;
}

int mvas_ioc_active(struct mvas_client *client, void *args)
{
	struct mvas_id *active = args;

	if (active->flags || active->id)
		return -EINVAL;
	mutex_lock(&client->switching);
	if (client->switched && client->switched->mm == current->mm)
		active->id = client->switched->object.id;
	mutex_unlock(&client->switching);
	return 0;
}

int mvas_ioc_attach(struct mvas_client *client, void *args)
{
	struct mvas_attach *attach = args;
	int rights = mvas_access_rights(attach->access);
	struct attachment *attachment;
	struct mvas_vas *vas;
	int ret = 0;

	if (attach->flags || attach->reserved || rights < 0)
		return -EINVAL;
	vas = mvas_vas_get(attach->id, rights);
	if (IS_ERR(vas))
		return PTR_ERR(vas);
	attachment = kmalloc(sizeof(*attachment), GFP_KERNEL_ACCOUNT);
	if (!attachment) {
		mvas_object_put(&vas->object);
		return -ENOMEM;
	}
	attachment->vas = vas;
	attachment->rights = rights;
	mutex_lock(&mvas_lock);
	if (idr_find(&mvas_vases.objects, attach->id) != &vas->object) {
		ret = -ENOENT;
	} else if (find_attachment(client, vas)) {
		ret = -EEXIST;
	} else {
		vas->object.uses++;
		list_add(&attachment->list, &client->attachments);
	}
	mutex_unlock(&mvas_lock);
	if (ret) {
		kfree(attachment);
		mvas_object_put(&vas->object);
	}
	return ret;
}

static void free_attachment(struct attachment *attachment)
{
	mvas_object_put(&attachment->vas->object);
	kfree(attachment);
}

int mvas_ioc_detach(struct mvas_client *client, void *args)
{
	struct mvas_attach *detach = args;
	struct attachment *attachment;
	struct mvas_vas *vas;
	bool switched;
	int ret = 0;

	if (detach->flags || detach->reserved || detach->access)
		return -EINVAL;
	vas = mvas_vas_get(detach->id, 0);
	if (IS_ERR(vas))
		return PTR_ERR(vas);
	mutex_lock(&client->switching);
	switched = has_switched(client, vas);
	mutex_lock(&mvas_lock);
	attachment = find_attachment(client, vas);
	if (!attachment) {
		ret = -ENOENT;
	} else if (current->mm == vas->mm || switched) {
		ret = -EBUSY;
	} else {
		list_del(&attachment->list);
		vas->object.uses--;
	}
	mutex_unlock(&mvas_lock);
	mutex_unlock(&client->switching);
	if (!ret)
		free_attachment(attachment);
	mvas_object_put(&vas->object);
	return ret;
}

/**
 * mvas_client_release() - the last descriptor of an open file is closed
 * @client: its state, which is freed
 *
 * A process that dies while switched has left the VAS by now: files are closed after memory.
 */
void mvas_client_release(struct mvas_client *client)
{
	struct attachment *attachment, *next;

	forget_switch(client);
	mutex_lock(&mvas_lock);
	list_for_each_entry(attachment, &client->attachments, list)
		attachment->vas->object.uses--;
	mutex_unlock(&mvas_lock);
	list_for_each_entry_safe(attachment, next, &client->attachments, list)
		free_attachment(attachment);
	kfree(client);
}
