// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/test/conf_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct parsed conf_help_parse(const char *text)
{
	struct parsed x = {.text = text};

	x.c = config_parse("test.conf", text, strlen(text), &x.d);
	return x;
}

void conf_help_free(struct parsed *x)
{
	config_free(x->c);
	conf_diags_free(&x->d);
}

static void diag_string(const struct conf_diag *g, char *buf, size_t size)
{
	static const char *const names[] = {"error", "warning", "note"};

	snprintf(buf, size, "%u:%u %s: %s", g->pos.line, g->pos.col, names[g->severity], g->text);
}

void conf_help_expect(const struct parsed *x, const char *const *want)
{
	bool same = true;
	char got[512];
	unsigned n = 0;

	for (; want[n]; n++) {
		if (n < x->d.n)
			diag_string(&x->d.list[n], got, sizeof(got));
		if (n < x->d.n && !strcmp(got, want[n]))
			continue;
		print_error("# not found: %s\n", want[n]);
		same = false;
	}
	if (same && n == x->d.n)
		return;
	for (unsigned i = 0; i < x->d.n; i++) {
		diag_string(&x->d.list[i], got, sizeof(got));
		print_error("# got: %s\n", got);
	}
	fail_msg("%u diagnostics, %u expected, of:\n%s", x->d.n, n, x->text);
}

void conf_help_valid(const struct parsed *x)
{
	if (x->c && !x->d.n_errors)
		return;
	conf_diags_print(&x->d, "test.conf", x->text, stderr);
	fail_msg("not valid:\n%s", x->text);
}

char *conf_help_print(const struct config *c)
{
	char *buf = NULL;
	size_t size;
	FILE *f = open_memstream(&buf, &size);

	assert_non_null(f);
	config_print(c, f);
	fclose(f);
	return buf;
}
