/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MVAS_SYSFS_H
#define _MVAS_SYSFS_H

void mvas_sysfs_init(void);

#endif
