/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last wall of a process: a seccomp filter of what it still has to ask the
 * kernel for. A call that is not named fails with EPERM, so that a libc that
 * tries something new goes on without it; what only an intruder asks for ends
 * the process. Both are told in the kernel's log (type=1326).
 */
#ifndef PREFPEERD_DOOR_H
#define PREFPEERD_DOOR_H

#include <seccomp.h>
#include <stddef.h>

struct door {
	const int *allowed; /* whatever their arguments */
	size_t n_allowed;
	int (*limited)(scmp_filter_ctx f); /* adds those that depend on their arguments */
};

/* For all that this process does from now on. 0 or -errno; on failure nothing may go on. */
int door_shut(const struct door *d);

#endif
