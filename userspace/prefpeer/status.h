/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a monitoring system is told about the entries of `map-show`. */
#ifndef PREFPEER_STATUS_H
#define PREFPEER_STATUS_H

#include <jansson.h>

/* Exit statuses as monitoring plug-ins have them. */
enum status_level { STATUS_OK = 0, STATUS_WARNING = 1, STATUS_CRITICAL = 2, STATUS_UNKNOWN = 3 };

struct status {
	enum status_level level;
	unsigned home, backup, idle, down, incomplete; /* entries; each is counted once */
	json_t *problems; /* [{"map","seq","level","problem","peer","text"}], the worst first */
};

/* Pure: out of the agent's answer alone. problems is the caller's. */
struct status status_judge(const json_t *maps);
const char *status_word(enum status_level l); /* "OK" */

#endif
