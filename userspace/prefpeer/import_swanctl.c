// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * swanctl.conf(5): sections in braces, "key = value", '#' comments, strings in quotes,
 * "name : other { … }" takes the settings of another section first, include FILE.
 */
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeer/import.h"

#define DEPTH_MAX 16

struct reader {
	struct import *im;
	const char *at;
	unsigned line, depth;
	char prefix[IMPORT_KEY_MAX];
	int includes;
};

static int read_path(struct import *im, const char *path, const char *prefix, int includes);

static int wrong(struct reader *r, const char *what)
{
	fprintf(r->im->err, "%s:%u: %s\n", r->im->path, r->line, what);
	return -EINVAL;
}

static void skip_blanks(struct reader *r, bool lines)
{
	for (;; r->at++) {
		if (*r->at == '#')
			r->at += strcspn(r->at, "\n");
		if (*r->at == '\n' && lines)
			r->line++;
		else if (*r->at != ' ' && *r->at != '\t' && *r->at != '\r')
			return;
		if (!*r->at)
			return;
	}
}

static int quoted(struct reader *r, char *out, size_t size)
{
	size_t n = 0;

	for (r->at++; *r->at && *r->at != '"'; r->at++) {
		if (*r->at == '\\' && r->at[1])
			r->at++;
		if (*r->at == '\n')
			r->line++;
		if (n + 1 == size)
			return wrong(r, "the string is too long");
		out[n++] = *r->at;
	}
	out[n] = '\0';
	if (*r->at != '"')
		return wrong(r, "the string has no end");
	r->at++;
	return 0;
}

/* Up to the end of the line, a brace or a comment; a string in quotes is taken as it is. */
static int value(struct reader *r, char *out, size_t size)
{
	size_t n;

	skip_blanks(r, false);
	if (*r->at == '"')
		return quoted(r, out, size);
	n = strcspn(r->at, "\n#}");
	if (n >= size)
		return wrong(r, "the value is too long");
	memcpy(out, r->at, n);
	r->at += n;
	while (n && isspace((unsigned char)out[n - 1]))
		n--;
	out[n] = '\0';
	return 0;
}

static int enter(struct reader *r, const char *name)
{
	size_t n = strlen(r->prefix);

	if (++r->depth > DEPTH_MAX || n + strlen(name) + 2 > sizeof(r->prefix))
		return wrong(r, "sections are nested too deep");
	snprintf(r->prefix + n, sizeof(r->prefix) - n, "%s%s", n ? "." : "", name);
	return 0;
}

static int leave(struct reader *r)
{
	char *dot = strrchr(r->prefix, '.');

	if (!r->depth--)
		return wrong(r, "a closing brace without a section");
	*(dot ? dot : r->prefix) = '\0';
	return 0;
}

/* The settings of section @from, as far as they are known by here, stand in this one too. */
static int inherit(struct reader *r, const char *from)
{
	size_t n = strlen(from);

	for (unsigned i = 0, all = r->im->n; i < all; i++) {
		struct setting *s = &r->im->list[i];
		char key[2 * IMPORT_KEY_MAX];
		int err;

		if (strncmp(s->key, from, n) || s->key[n] != '.')
			continue;
		s->taken = true;
		snprintf(key, sizeof(key), "%s.%s", r->prefix, s->key + n + 1);
		err = import_put(r->im, key, s->value, s->line);
		if (err)
			return err;
	}
	return 0;
}

static int open_section(struct reader *r, const char *name)
{
	char from[IMPORT_KEY_MAX];
	int err = enter(r, name);

	skip_blanks(r, true);
	while (!err && *r->at == ':') {
		do {
			size_t n;

			r->at++;
			skip_blanks(r, true);
			n = strcspn(r->at, " \t\n,{");
			snprintf(from, sizeof(from), "%.*s", (int)n, r->at);
			r->at += n;
			err = inherit(r, from);
			skip_blanks(r, true);
		} while (!err && *r->at == ',');
	}
	if (err)
		return err;
	if (*r->at != '{')
		return wrong(r, "a brace is missing");
	r->at++;
	return 0;
}

static int include(struct reader *r)
{
	char pattern[512], path[1100];
	const char *slash = strrchr(r->im->path, '/');
	glob_t found;
	int err = value(r, pattern, sizeof(pattern));

	if (err)
		return err;
	if (*pattern == '/' || !slash)
		snprintf(path, sizeof(path), "%s", pattern);
	else
		snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - r->im->path), r->im->path,
			 pattern);
	if (glob(path, 0, NULL, &found)) {
		import_remark(r->im, r->line, "include %s: there is no such file", pattern);
		return 0;
	}
	for (size_t i = 0; !err && i < found.gl_pathc; i++)
		err = read_path(r->im, found.gl_pathv[i], r->prefix, r->includes + 1);
	globfree(&found);
	return err;
}

static int assign(struct reader *r, const char *name)
{
	char key[2 * IMPORT_KEY_MAX], text[2048];
	unsigned line = r->includes ? 0 : r->line; /* of the file that was named */
	int err;

	r->at++;
	err = value(r, text, sizeof(text));
	if (err)
		return err;
	snprintf(key, sizeof(key), "%s%s%s", r->prefix, *r->prefix ? "." : "", name);
	err = import_put(r->im, key, text, line);
	explicit_bzero(text, sizeof(text));
	return err;
}

static int statement(struct reader *r)
{
	char name[IMPORT_KEY_MAX];
	size_t n = strcspn(r->at, " \t\r\n={}:#");

	if (*r->at == '}') {
		r->at++;
		return leave(r);
	}
	if (!n || n >= sizeof(name))
		return wrong(r, "a name is missing");
	snprintf(name, sizeof(name), "%.*s", (int)n, r->at);
	r->at += n;
	if (!strcmp(name, "include") && (*r->at == ' ' || *r->at == '\t'))
		return include(r);
	skip_blanks(r, true);
	if (*r->at == '=')
		return assign(r, name);
	return open_section(r, name);
}

static int read_text(struct import *im, const char *text, const char *prefix, int includes)
{
	struct reader r = { .im = im, .at = text, .line = 1, .includes = includes };
	int err = 0;

	snprintf(r.prefix, sizeof(r.prefix), "%s", prefix);
	for (skip_blanks(&r, true); !err && *r.at; skip_blanks(&r, true))
		err = statement(&r);
	if (!err && r.depth)
		err = wrong(&r, "a closing brace is missing");
	return err;
}

/* The whole file, as text; NULL: errno says why not. */
static char *slurp(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;
	ssize_t n;

	if (!f)
		return NULL;
	n = getdelim(&text, &room, '\0', f);
	if (n < 0 && ferror(f)) {
		free(text);
		text = NULL;
	} else if (n < 0) {
		free(text);
		text = strdup("");
	}
	fclose(f);
	return text;
}

static int read_path(struct import *im, const char *path, const char *prefix, int includes)
{
	const char *was = im->path;
	char *text = includes > DEPTH_MAX ? NULL : slurp(path);
	int err;

	if (!text) {
		err = includes > DEPTH_MAX ? -ELOOP : -errno;
		fprintf(im->err, "%s: %s\n", path, strerror(-err));
		return err;
	}
	im->path = path;
	err = read_text(im, text, prefix, includes);
	im->path = was;
	explicit_bzero(text, strlen(text));
	free(text);
	return err;
}

int import_swanctl(struct import *im)
{
	return read_path(im, im->path, "", 0);
}
