// SPDX-License-Identifier: GPL-2.0-or-later
/* Settings: found, taken, remarked. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeer/import.h"

int import_put(struct import *im, const char *key, const char *value, unsigned line)
{
	struct setting *s = import_find(im, key);

	if (s) {
		char *v = strdup(value);

		if (!v)
			return -ENOMEM;
		free(s->value);
		s->value = v;
		s->line = line;
		return 0;
	}
	if (im->n == im->room) {
		unsigned room = im->room ? 2 * im->room : 64;

		s = realloc(im->list, room * sizeof(*s));
		if (!s)
			return -ENOMEM;
		im->list = s;
		im->room = room;
	}
	s = &im->list[im->n];
	*s = (struct setting){ strdup(key), strdup(value), line, false };
	im->n++;
	return s->key && s->value ? 0 : -ENOMEM;
}

struct setting *import_find(const struct import *im, const char *key)
{
	for (unsigned i = 0; i < im->n; i++)
		if (!strcmp(im->list[i].key, key))
			return &im->list[i];
	return NULL;
}

const char *import_take(struct import *im, const char *prefix, const char *name)
{
	char key[2 * IMPORT_KEY_MAX];
	struct setting *s;

	snprintf(key, sizeof(key), "%s.%s", prefix, name);
	s = import_find(im, key);
	if (!s)
		return NULL;
	s->taken = true;
	return s->value;
}

/* What stands between PREFIX. and the next dot; its length, 0: another prefix. */
static size_t child_of(const char *key, const char *prefix, const char **child)
{
	size_t n = strlen(prefix);

	if (strncmp(key, prefix, n) || key[n] != '.')
		return 0;
	*child = key + n + 1;
	return strcspn(*child, ".");
}

static bool seen_before(const struct import *im, unsigned j, const char *prefix, const char *child,
			size_t len)
{
	const char *other;

	for (unsigned k = 0; k < j; k++)
		if (child_of(im->list[k].key, prefix, &other) == len && !strncmp(other, child, len))
			return true;
	return false;
}

bool import_child(const struct import *im, const char *prefix, unsigned i,
		  char name[IMPORT_KEY_MAX])
{
	for (unsigned j = 0; j < im->n; j++) {
		const char *child = NULL;
		size_t len = child_of(im->list[j].key, prefix, &child);

		if (!len || seen_before(im, j, prefix, child, len) || i--)
			continue;
		snprintf(name, IMPORT_KEY_MAX, "%.*s", (int)len, child);
		return true;
	}
	return false;
}

void import_remark(struct import *im, unsigned line, const char *fmt, ...)
{
	char text[600], place[24] = "";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (line)
		snprintf(place, sizeof(place), "line %u: ", line);
	fprintf(im->out, "! %s%s\n", place, text);
	if (line)
		fprintf(im->err, "%s:%u: %s\n", im->path, line, text);
	else
		fprintf(im->err, "%s: %s\n", im->path, text);
	im->remarks++;
}

/* What is known of those that have no equivalent; by the last word of the key. */
static const struct {
	const char *name, *why;
} reasons[] = {
	{ "mobike",
	  "MOBIKE is not spoken; a change of our own address is followed by a new IKE SA" },
	{ "encap", "UDP encapsulation is used where NAT is found, and not forced" },
	{ "fragmentation", "IKE fragmentation is always offered (crypto ikev2 fragmentation)" },
	{ "rekey_time",
	  "the life of an IKE SA is that of its profile (lifetime), a day without one" },
	{ "over_life_time",
	  "the life of an IKE SA is that of its profile (lifetime), a day without one" },
	{ "reauth_time", "an IKE SA is rekeyed, never reauthenticated: nothing is needed" },
	{ "over_time", "the IKE SA is replaced before its lifetime ends" },
	{ "rand_time", "the time of a rekey is drawn at random anyhow" },
	{ "keyingtries",
	  "a walk through the peers is repeated, with a back-off, while packets ask" },
	{ "unique", "a peer that calls anew takes the place of its former self" },
	{ "dpd_timeout", "the time to give up is six times RETRY of crypto ikev2 dpd" },
	{ "dpd_action", "a dead peer is always left for the next one; the policies stay" },
	{ "close_action", "the policies stay, and the next packet sets the tunnel up again" },
	{ "start_action",
	  "a tunnel is set up by the first packet, as with `trap`; `prefpeer map connect` does it at once" },
	{ "updown", "no script is run: see prefpeer monitor -j, and reverse-route" },
	{ "hostaccess", "filters are not changed" },
	{ "leftfirewall", "filters are not changed" },
	{ "send_cert", "certificates are sent when they are asked for" },
	{ "send_certreq", "the CAs that are trusted are always named" },
	{ "if_id_in", "interfaces of XFRM are not used" },
	{ "if_id_out", "interfaces of XFRM are not used" },
	{ "mark_in", "marks are not used" },
	{ "mark_out", "marks are not used" },
	{ "pools", "no addresses are handed out to branches" },
	{ "vips", "no address is asked for" },
	{ "aggressive", "it belongs to IKEv1" },
	{ "ppk_id", "post-quantum keys (RFC 8784) are not known" },
	{ "replay_window", "see set security-association replay window-size" },
	{ "ipcomp", "packets are not compressed" },
	{ "rekey", "SAs are always rekeyed while they are used" },
	{ "life_packets", "a lifetime is of seconds and kilobytes" },
	{ "rekey_packets", "a lifetime is of seconds and kilobytes" },
};

static const char *reason_for(const char *key)
{
	const char *dot = strrchr(key, '.');

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (!strcmp(reasons[i].name, dot ? dot + 1 : key))
			return reasons[i].why;
	return "has no equivalent here";
}

static bool is_secret(const char *key)
{
	return !strncmp(key, "secrets.", 8) && strstr(key, "secret");
}

void import_rest(struct import *im)
{
	for (unsigned i = 0; i < im->n; i++) {
		const struct setting *s = &im->list[i];

		if (!s->taken)
			import_remark(im, s->line, "%s = %s: %s", s->key,
				      is_secret(s->key + (*s->key == '.')) ? "…" : s->value,
				      reason_for(s->key));
	}
}

void import_free(struct import *im)
{
	for (unsigned i = 0; i < im->n; i++) {
		if (im->list[i].value)
			explicit_bzero(im->list[i].value, strlen(im->list[i].value));
		free(im->list[i].key);
		free(im->list[i].value);
	}
	free(im->list);
	im->list = NULL;
	im->n = im->room = 0;
}

long import_seconds(const char *text)
{
	char *end;
	long v = strtol(text, &end, 10), unit;

	switch (*end) {
	case '\0':
	case 's':
		unit = 1;
		break;
	case 'm':
		unit = 60;
		break;
	case 'h':
		unit = 3600;
		break;
	case 'd':
		unit = 86400;
		break;
	default:
		return -1;
	}
	return end == text || v < 0 || v > 100000000 / unit || (*end && end[1]) ? -1 : v * unit;
}

bool import_word(const char **list, char *word, size_t size)
{
	size_t n;

	if (!*list)
		return false;
	*list += strspn(*list, ", \t");
	n = strcspn(*list, ", \t");
	if (!n)
		return false;
	snprintf(word, size, "%.*s", (int)n, *list);
	*list += n;
	return true;
}
