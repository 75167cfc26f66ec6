/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the process may still do once everything is open. */
#ifndef PREFPEERD_SANDBOX_H
#define PREFPEERD_SANDBOX_H

#include <sys/types.h>

struct sandbox_user {
	char name[32];
	uid_t uid;
	gid_t gid;
};

/* -ENOENT: no such user. */
int sandbox_find_user(const char *name, struct sandbox_user *out);
/* No core, no ptrace by others, no new privileges: before keys are read. */
int sandbox_early(void);
/* No swap, for the process that goes on to run; said where it cannot be had. */
void sandbox_lock(void);
/* Become @user and keep CAP_NET_ADMIN alone. 0 or -errno; on failure nothing may go on. */
int sandbox_drop(const struct sandbox_user *user);
/* From now on only the system calls of sandbox_door.c. 0 or -errno, as above. */
int sandbox_shut(void);

#endif
