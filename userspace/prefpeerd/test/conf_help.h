/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parsing in tests: what a text yields, as strings that can be compared. */
#ifndef TEST_CONF_HELP_H
#define TEST_CONF_HELP_H

#include "prefpeerd/conf/config.h"

struct parsed {
	struct config *c;
	struct conf_diags d;
	const char *text;
};

struct parsed conf_help_parse(const char *text);
void conf_help_free(struct parsed *x);
/* Fails the test, with all diagnostics shown, unless they are exactly these: "L:C error: text". */
void conf_help_expect(const struct parsed *x, const char *const *want);
/* Fails unless there is a model and no error. */
void conf_help_valid(const struct parsed *x);
/* config_print() as a string; free() it. */
char *conf_help_print(const struct config *c);

#endif
