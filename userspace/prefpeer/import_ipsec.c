// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ipsec.conf(5) of strongSwan's starter and of libreswan: "conn NAME", then indented
 * "key=value"; %default holds for every one, also= takes another's. Beside it
 * ipsec.secrets(5), of which the pre-shared keys are read.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeer/import.h"

#define ALSO_MAX 8

/* As swanctl.conf has it; @child: within the child, which is named as the connection. */
static const struct {
	const char *name, *to;
	bool child;
} names[] = {
	{ "left", "local_addrs", false },
	{ "right", "remote_addrs", false },
	{ "leftid", "local.id", false },
	{ "rightid", "remote.id", false },
	{ "leftauth", "local.auth", false },
	{ "rightauth", "remote.auth", false },
	{ "leftcert", "local.certs", false },
	{ "rightcert", "remote.certs", false },
	{ "rightca", "remote.cacerts", false },
	{ "leftsubnet", "local_ts", true },
	{ "leftsubnets", "local_ts", true },
	{ "rightsubnet", "remote_ts", true },
	{ "rightsubnets", "remote_ts", true },
	{ "ike", "proposals", false },
	{ "esp", "esp_proposals", true },
	{ "phase2alg", "esp_proposals", true },
	{ "ah", "ah_proposals", true },
	{ "dpddelay", "dpd_delay", false },
	{ "dpdtimeout", "dpd_timeout", false },
	{ "dpdaction", "dpd_action", true },
	{ "closeaction", "close_action", true },
	{ "auto", "start_action", true },
	{ "ikelifetime", "over_life_time", false },
	{ "lifetime", "life_time", true },
	{ "keylife", "life_time", true },
	{ "salifetime", "life_time", true },
	{ "lifebytes", "life_bytes", true },
	{ "inactivity", "inactivity", true },
	{ "type", "mode", true },
	{ "forceencaps", "encap", false },
	{ "encapsulation", "encap", false },
	{ "mobike", "mobike", false },
	{ "fragmentation", "fragmentation", false },
	{ "keyingtries", "keyingtries", false },
	{ "replay_window", "replay_window", true },
	{ "replay-window", "replay_window", true },
	{ "leftupdown", "updown", true },
	{ "compress", "ipcomp", true },
	{ "rekey", "rekey", false },
	{ "reauth", "reauth_time", false },
};

/* The connection's own value, or that of another that it takes, or %default's. */
struct conf {
	struct import raw; /* "NAME.key" */
	struct import *im;
};

static int keep(struct conf *c, const char *section, char *text, unsigned line)
{
	char *eq = strchr(text, '='), *value, *end;
	char key[2 * IMPORT_KEY_MAX];

	if (!eq) {
		fprintf(c->im->err, "%s:%u: \"%s\" is no key=value\n", c->im->path, line, text);
		return -EINVAL;
	}
	for (end = eq; end > text && isspace((unsigned char)end[-1]); end--)
		;
	*end = '\0';
	value = eq + 1 + strspn(eq + 1, " \t");
	end = value + strlen(value);
	while (end > value && isspace((unsigned char)end[-1]))
		*--end = '\0';
	if (*value == '"' && end > value + 1 && end[-1] == '"') {
		end[-1] = '\0';
		value++;
	}
	snprintf(key, sizeof(key), "%s.%s", section, text);
	return import_put(&c->raw, key, value, line);
}

/* "conn NAME" and the like stand at the beginning of their line, settings do not. */
static int read_lines(struct conf *c, FILE *f)
{
	char *line = NULL, section[IMPORT_KEY_MAX] = "";
	size_t room = 0;
	unsigned no = 0;
	int err = 0;

	while (!err && getline(&line, &room, f) >= 0) {
		bool indented = *line == ' ' || *line == '\t';
		char *text = line + strspn(line, " \t"), kind[20] = "", name[100] = "";

		no++;
		text[strcspn(text, "#\r\n")] = '\0';
		if (!*text)
			continue;
		if (indented && *section) {
			err = keep(c, section, text, no);
			continue;
		}
		sscanf(text, "%19s %99s", kind, name);
		if (!strcmp(kind, "conn") || !strcmp(kind, "ca") || !strcmp(kind, "config"))
			snprintf(section, sizeof(section), "%s/%s", kind, name);
		else if (strcmp(kind, "version"))
			import_remark(c->im, no, "%s: not read; import that file by itself", text);
	}
	free(line);
	return err;
}

/* Marked as read where it was, so that only what is nowhere used is remarked. */
static struct setting *look(struct conf *c, const char *section, const char *key, int depth)
{
	char path[2 * IMPORT_KEY_MAX], other[IMPORT_KEY_MAX];
	struct setting *s, *also;

	snprintf(path, sizeof(path), "%s.%s", section, key);
	s = import_find(&c->raw, path);
	if (s || depth > ALSO_MAX)
		return s;
	snprintf(path, sizeof(path), "%s.also", section);
	also = import_find(&c->raw, path);
	if (also) {
		also->taken = true;
		snprintf(other, sizeof(other), "conn/%s", also->value);
		s = look(c, other, key, depth + 1);
	}
	return s;
}

static struct setting *value_of(struct conf *c, const char *section, const char *key)
{
	struct setting *s = look(c, section, key, 0);

	return s ? s : look(c, "conn/%default", key, 0);
}

static int put(struct conf *c, const char *conn, const char *child, const char *to,
	       const char *value, unsigned line)
{
	char key[4 * IMPORT_KEY_MAX];

	if (child)
		snprintf(key, sizeof(key), "connections.%s.children.%s.%s", conn, child, to);
	else
		snprintf(key, sizeof(key), "connections.%s.%s", conn, to);
	return import_put(c->im, key, value, line);
}

/* authby says of both sides what leftauth and rightauth say of each. */
static int put_auth(struct conf *c, const char *section, const char *conn)
{
	struct setting *s = value_of(c, section, "authby");
	const char *how;
	int err;

	if (!s)
		return 0;
	s->taken = true;
	how = !strcmp(s->value, "secret") || !strcmp(s->value, "psk") ? "psk" : "pubkey";
	err = put(c, conn, NULL, "local.auth", how, s->line);
	return err ? err : put(c, conn, NULL, "remote.auth", how, s->line);
}

static int put_version(struct conf *c, const char *section, const char *conn)
{
	struct setting *s = value_of(c, section, "keyexchange"),
		       *two = value_of(c, section, "ikev2");
	const char *version = "2";

	if (s)
		s->taken = true;
	if (two)
		two->taken = true;
	if (s && !strcmp(s->value, "ikev1"))
		version = "1";
	if (two && (!strcmp(two->value, "never") || !strcmp(two->value, "no")))
		version = "1";
	return put(c, conn, NULL, "version", version, s ? s->line : two ? two->line : 0);
}

static int translate(struct conf *c, const char *section)
{
	const char *conn = section + strlen("conn/");
	int err = put_version(c, section, conn);

	if (!err)
		err = put_auth(c, section, conn);
	for (size_t i = 0; !err && i < sizeof(names) / sizeof(names[0]); i++) {
		struct setting *s = value_of(c, section, names[i].name);

		if (!s)
			continue;
		s->taken = true;
		err = put(c, conn, names[i].child ? conn : NULL, names[i].to, s->value, s->line);
	}
	return err;
}

/* A template is one that only others take. */
static bool is_template(struct conf *c, const char *section)
{
	return !strcmp(section, "conn/%default") ||
	       (!value_of(c, section, "right") && !value_of(c, section, "rightsubnet"));
}

static int translate_all(struct conf *c)
{
	char section[IMPORT_KEY_MAX];
	int err = 0;

	for (unsigned i = 0; !err && i < c->raw.n; i++) {
		size_t n = strcspn(c->raw.list[i].key, ".");

		snprintf(section, sizeof(section), "%.*s", (int)n, c->raw.list[i].key);
		if (i && !strncmp(c->raw.list[i - 1].key, section, n) &&
		    c->raw.list[i - 1].key[n] == '.')
			continue;
		if (!strncmp(section, "conn/", 5) && !is_template(c, section))
			err = translate(c, section);
	}
	/* What no connection took goes where all that has no equivalent goes. */
	for (unsigned i = 0; !err && i < c->raw.n; i++)
		if (!c->raw.list[i].taken)
			err = import_put(c->im, c->raw.list[i].key, c->raw.list[i].value,
					 c->raw.list[i].line);
	return err;
}

/* ID ID : PSK "KEY" */
static void read_secret(struct import *im, unsigned i, char *line)
{
	char *colon = strstr(line, ": PSK"), *key, word[IMPORT_KEY_MAX], path[IMPORT_KEY_MAX];
	const char *ids = line;
	unsigned n = 0;

	if (!colon || line[strspn(line, " \t")] == '#')
		return;
	*colon = '\0';
	key = colon + 5 + strspn(colon + 5, " \t");
	key[strcspn(key, "\r\n")] = '\0';
	if (*key == '"') {
		key++;
		key[strcspn(key, "\"")] = '\0';
	}
	while (import_word(&ids, word, sizeof(word))) {
		snprintf(path, sizeof(path), "secrets.ike-%u.id%u", i, n++);
		import_put(im, path, word, 0);
	}
	snprintf(path, sizeof(path), "secrets.ike-%u.secret", i);
	import_put(im, path, key, 0);
}

static void read_secrets(struct import *im)
{
	const char *slash = strrchr(im->path, '/');
	char path[600], *line = NULL;
	unsigned no = 0;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%.*sipsec.secrets", slash ? (int)(slash - im->path) + 1 : 0,
		 im->path);
	f = fopen(path, "re");
	if (!f) {
		import_remark(im, 0, "%s: %s: no key is known", path, strerror(errno));
		return;
	}
	while (getline(&line, &room, f) >= 0)
		read_secret(im, ++no, line);
	if (line)
		explicit_bzero(line, room);
	free(line);
	fclose(f);
}

int import_ipsec(struct import *im)
{
	struct conf c = { .im = im, .raw = { .path = im->path } };
	FILE *f = fopen(im->path, "re");
	int err;

	if (!f) {
		err = -errno;
		fprintf(im->err, "%s: %s\n", im->path, strerror(-err));
		return err;
	}
	err = read_lines(&c, f);
	fclose(f);
	if (!err)
		err = translate_all(&c);
	if (!err)
		read_secrets(im);
	import_free(&c.raw);
	return err;
}
