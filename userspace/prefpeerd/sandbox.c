// SPDX-License-Identifier: GPL-2.0-or-later
#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/log.h"
#include "prefpeerd/sandbox.h"

int sandbox_find_user(const char *name, struct sandbox_user *out)
{
	struct passwd *pw = getpwnam(name);

	if (!pw)
		return -ENOENT;
	snprintf(out->name, sizeof(out->name), "%s", name);
	out->uid = pw->pw_uid;
	out->gid = pw->pw_gid;
	return 0;
}

/*
 * SK_*, pre-shared keys and Diffie-Hellman values never go to swap: they are spread
 * over the heap, so all of it is locked, page by page as it is touched. With a limit
 * on locked memory malloc would fail instead, one day: then nothing is, and it is said.
 */
void sandbox_lock(void)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &none) ||
	    mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		log_warn("sandbox", "keys are not locked in memory (LimitMEMLOCK=infinity): %s",
			 strerror(errno));
}

int sandbox_early(void)
{
	const struct rlimit none = { 0, 0 };

	/* A core would hold pre-shared keys and SK_*. */
	if (setrlimit(RLIMIT_CORE, &none) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return 0;
}

int sandbox_drop(const struct sandbox_user *user)
{
	capng_clear(CAPNG_SELECT_BOTH);
	/* XFRM states and policies, rtnetlink, and the module's commands, for as long as it runs. */
	capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN);
	if (getuid() == user->uid)
		return capng_apply(CAPNG_SELECT_BOTH) ? -EPERM : 0;
	if (capng_change_id((int)user->uid, (int)user->gid,
			    CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING))
		return -EPERM;
	/* A change of uid makes the process dumpable again on some kernels. */
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ? -errno : 0;
}
