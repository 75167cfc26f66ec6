/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the configuration says of an entry, as `show crypto …` needs it. */
#ifndef PREFPEERD_REPORT_CONF_H
#define PREFPEERD_REPORT_CONF_H

#include <jansson.h>

#include "prefpeerd/entry/entries.h"

/* Returns a new reference, or NULL on -ENOMEM. */
json_t *report_map_entry(const struct config *c, const struct entry_view *v);
/* The entries of dynamic maps. */
json_t *report_templates(const struct config *c);
/* "esp-256-aes esp-sha256-hmac", as IOS shows a suite. Into @buf, which is returned. */
const char *report_transforms(const struct esp_suite *s, char *buf, size_t size);
#define TRANSFORMS_STRLEN 64

#endif
