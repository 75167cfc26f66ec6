// SPDX-License-Identifier: GPL-2.0-or-later
/* Why an entry left UP, as RFC 2866 §5.10 has it. */
#include <string.h>

#include "prefpeerd/acct/acct.h"

#define N_CAUSES 18

static const char *const names[N_CAUSES + 1] = {
	"none",		"user-request",	  "lost-carrier",   "lost-service",	   "idle-timeout",
	"session-timeout", "admin-reset", "admin-reboot",   "port-error",	   "nas-error",
	"nas-request",	"nas-reboot",	  "port-unneeded",  "port-preempted",	   "port-suspended",
	"service-unavailable", "callback", "user-error",    "host-request",
};

static unsigned number_of(enum entry_reason reason)
{
	switch (reason) {
	case REASON_PEER_DELETE:
		return 1;
	case REASON_DEAD:
	case REASON_TIMEOUT:
		return 2;
	case REASON_IDLE:
	case REASON_IDLE_HOME:
		return 4;
	case REASON_LIFETIME:
		return 5;
	case REASON_CLEAR_SESSION:
	case REASON_CLEAR_SA:
	case REASON_RESET:
		return 6;
	case REASON_LOCAL_GONE:
	case REASON_NO_LOCAL:
		return 8;
	case REASON_CONFIG:
		return 10;
	case REASON_SHARED:
	case REASON_NO_CHILD:
		return 12;
	case REASON_INBOUND:
	case REASON_CHILD_UP:
		return 13; /* it moved to another peer */
	case REASON_AUTH:
	case REASON_PROPOSAL:
	case REASON_TS:
		return 17;
	default:
		return 9;
	}
}

struct acct_cause acct_cause_of(enum entry_reason reason)
{
	unsigned n = number_of(reason);

	return (struct acct_cause){ n, names[n] };
}

const char *acct_cause_name(unsigned number)
{
	return names[number <= N_CAUSES ? number : 0];
}

unsigned acct_cause_number(const char *name)
{
	for (unsigned i = 1; i <= N_CAUSES; i++)
		if (!strcmp(names[i], name))
			return i;
	return 0;
}
