// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: any text at all. What is valid must print, and read back as
 * something that prints the same; what is not must say so, at a place in the text.
 *
 * Built by clang with -fsanitize=fuzzer,address,undefined from this file, those of
 * prefpeerd/conf/ and lib/{addr,id,selector,suite}.c.
 */
#include <stdlib.h>
#include <string.h>

#include "prefpeerd/conf/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static char *printed(const struct config *c)
{
	char *buf = NULL;
	size_t size;
	FILE *f = open_memstream(&buf, &size);

	must(f);
	config_print(c, f);
	fclose(f);
	return buf;
}

static void check_diags(const struct conf_diags *d, const struct config *c, const char *text,
			size_t size)
{
	unsigned lines = 1, last = 0;
	FILE *null = fopen("/dev/null", "w");

	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	must((d->n_errors == 0) == (c != NULL));
	for (unsigned i = 0; i < d->n; i++) {
		must(d->list[i].text && d->list[i].pos.line <= lines);
		must(d->list[i].pos.line >= last);
		last = d->list[i].pos.line;
	}
	if (null) {
		conf_diags_print(d, "fuzz", text, null);
		fclose(null);
	}
}

static void check_round_trip(const struct config *c)
{
	char *first = printed(c), *second;
	struct conf_diags d;
	struct config *again = config_parse("again", first, strlen(first), &d);

	must(again);
	second = printed(again);
	must(!strcmp(first, second));
	free(first);
	free(second);
	conf_diags_free(&d);
	config_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct conf_diags d;
	struct config *c;

	must(text);
	memcpy(text, data, size);
	text[size] = '\0';
	c = config_parse("fuzz", text, size, &d);
	check_diags(&d, c, text, size);
	if (c)
		check_round_trip(c);
	config_free(c);
	conf_diags_free(&d);
	free(text);
	return 0;
}
