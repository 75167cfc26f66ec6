// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/engine.h"

#include <stddef.h>

static const char *const why_names[] = {
	[WHY_NONE] = "none",
	[WHY_TIMEOUT] = "timeout",
	[WHY_DEAD] = "dead",
	[WHY_AUTH] = "auth",
	[WHY_PROPOSAL] = "proposal",
	[WHY_TS] = "ts",
	[WHY_PEER_DELETE] = "peer-delete",
	[WHY_LIFETIME] = "lifetime",
	[WHY_LOCAL] = "local",
	[WHY_LOST] = "lost",
	[WHY_BUSY] = "busy",
	[WHY_UNKNOWN] = "unknown",
};

static const char *const event_names[] = {
	[ENG_READY] = "ready",
	[ENG_LOST] = "lost",
	[ENG_ANSWERED] = "answered",
	[ENG_REMARK] = "remark",
	[ENG_UP] = "up",
	[ENG_CHILD_UP] = "child-up",
	[ENG_CHILD_FAILED] = "child-failed",
	[ENG_REKEYED] = "rekeyed",
	[ENG_CHILD_REKEYED] = "child-rekeyed",
	[ENG_CHILD_DOWN] = "child-down",
	[ENG_DOWN] = "down",
	[ENG_HEARD] = "heard",
	[ENG_INBOUND] = "inbound",
	[ENG_INBOUND_GONE] = "inbound-gone",
};

const char *engine_why_name(enum engine_why why)
{
	if ((size_t)why < sizeof(why_names) / sizeof(why_names[0]) && why_names[why])
		return why_names[why];
	return "unknown";
}

const char *engine_event_name(enum engine_event_type type)
{
	if ((size_t)type < sizeof(event_names) / sizeof(event_names[0]) && event_names[type])
		return event_names[type];
	return "unknown";
}
