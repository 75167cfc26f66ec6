/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines to standard error, non-blocking: a reader that stalls costs lines,
 * which are counted, never time. Secrets are never passed here.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdint.h>

enum log_level { LOG_LVL_ERR, LOG_LVL_WARN, LOG_LVL_NOTICE, LOG_LVL_INFO, LOG_LVL_DEBUG };

void log_init(enum log_level threshold);
void log_line(enum log_level level, const char *area, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A field of the journal: an upper-case name, and a value of one line. */
struct log_field {
	const char *name, *value;
};
/*
 * The same, with @fields (NULL-named at the end; without a value: left out) where the
 * journal reads. Nothing waits for it either.
 */
void log_fields(enum log_level level, const char *area, const struct log_field *fields,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Of log_init(): where the journal takes them; another place for tests. 0 or -errno. */
int log_journal_open(const char *path);
/* Lines that were not written because standard error was full. */
uint64_t log_dropped(void);

#define log_err(area, ...) log_line(LOG_LVL_ERR, area, __VA_ARGS__)
#define log_warn(area, ...) log_line(LOG_LVL_WARN, area, __VA_ARGS__)
#define log_notice(area, ...) log_line(LOG_LVL_NOTICE, area, __VA_ARGS__)
#define log_info(area, ...) log_line(LOG_LVL_INFO, area, __VA_ARGS__)
#define log_debug(area, ...) log_line(LOG_LVL_DEBUG, area, __VA_ARGS__)

#endif
