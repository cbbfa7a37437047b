/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls that use address spaces, segments and VASes together; calls for one kind of object are
 * declared with it. Each gets its structure, checked for length, in kernel memory.
 */
#ifndef _MVAS_CALLS_H
#define _MVAS_CALLS_H

#include <linux/types.h>

/* An open file of the device. */
struct mvas_client;

/* mvas_fork.c */
int mvas_ioc_fork(struct mvas_client *client, void *args);
int mvas_ioc_capture(struct mvas_client *client, void *args);

/* mvas_exec.c */
int mvas_ioc_exec(struct mvas_client *client, void *args);

/* mvas_switch.c */
extern bool mvas_experimental;
struct mvas_client *mvas_client_create(void);
void mvas_client_release(struct mvas_client *client);
int mvas_ioc_attach(struct mvas_client *client, void *args);
int mvas_ioc_detach(struct mvas_client *client, void *args);
int mvas_ioc_switch(struct mvas_client *client, void *args);
int mvas_ioc_active(struct mvas_client *client, void *args);

/* mvas_read.c */
int mvas_ioc_read(struct mvas_client *client, void *args);
int mvas_ioc_maps(struct mvas_client *client, void *args);

/* mvas_attach.c */
int mvas_ioc_seg_attach(struct mvas_client *client, void *args);
int mvas_ioc_seg_detach(struct mvas_client *client, void *args);
int mvas_ioc_seg_copyin(struct mvas_client *client, void *args);

#endif
