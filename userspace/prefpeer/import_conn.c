// SPDX-License-Identifier: GPL-2.0-or-later
/* Settings → a connection: its peers, its children, and how both sides prove themselves. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "prefpeer/import_conn.h"

unsigned import_line(struct import *im, const char *prefix, const char *name)
{
	char key[4 * IMPORT_KEY_MAX];
	struct setting *s;

	snprintf(key, sizeof(key), "%s.%s", prefix, name);
	s = import_find(im, key);
	return s ? s->line : 0;
}

const char *import_name(const char *name, char *buf, size_t size)
{
	size_t n = 0;

	for (; *name && n + 1 < size && n < 40; name++)
		buf[n++] =
			isalnum((unsigned char)*name) || *name == '-' || *name == '_' ? *name : '-';
	buf[n] = '\0';
	return buf;
}

static bool is_address(const char *text, struct addr *out)
{
	return !addr_parse(text, out);
}

static void read_peers(struct conn *c)
{
	const char *list = import_take(c->im, c->path, "remote_addrs");
	char word[IMPORT_KEY_MAX];
	struct addr a;

	c->remote_line = import_line(c->im, c->path, "remote_addrs");
	while (import_word(&list, word, sizeof(word))) {
		if (!strncmp(word, "%any", 4) || !strcmp(word, "0.0.0.0") ||
		    !strcmp(word, "0.0.0.0/0") || !strcmp(word, "::/0"))
			c->hub = true;
		else if (strchr(word, '/') || (strchr(word, '-') && isdigit((unsigned char)*word)))
			import_remark(c->im, c->remote_line,
				      "%s: peer %s: a range of addresses can only call; "
				      "it is let in by a dynamic map",
				      c->name, word),
				c->hub = true;
		else if (c->n_peers < PEERS_MAX)
			snprintf(c->peers[c->n_peers++], IMPORT_KEY_MAX, "%s",
				 word[0] == '%' ? word + 1 : word);
		else
			import_remark(c->im, c->remote_line,
				      "%s: peer %s: more than %d are not read", c->name, word,
				      PEERS_MAX);
	}
	if (!c->n_peers)
		c->hub = true;
	else if (c->hub)
		import_remark(c->im, c->remote_line,
			      "%s: others than the peers that are listed may call no more: "
			      "make a dynamic map for them",
			      c->name),
			c->hub = false;
	c->v6 = c->n_peers && is_address(c->peers[0], &a) && a.family == AF_INET6;
	if (c->n_peers < 2)
		return;
	import_remark(c->im, c->remote_line,
		      "%s: of %u peers only %s was ever dialled; these were not:", c->name,
		      c->n_peers, c->peers[0]);
	for (unsigned i = 1; i < c->n_peers; i++)
		import_remark(c->im, c->remote_line,
			      "%s:   %s was never dialled before: see that it answers, "
			      "and has the same keys",
			      c->name, c->peers[i]);
}

static void read_local(struct conn *c)
{
	const char *list = import_take(c->im, c->path, "local_addrs");
	char first[IMPORT_KEY_MAX];
	const char *rest = list;
	struct addr a;

	if (!import_word(&rest, first, sizeof(first)) || !is_address(first, &a))
		return;
	c->local = list;
	import_remark(c->im, import_line(c->im, c->path, "local_addrs"),
		      "%s: local address %s: it is taken from the "
		      "interface that carries the map (or crypto map NAME local-address INTERFACE)",
		      c->name, list);
}

static bool known_auth(struct conn *c, const char *side, const char *auth)
{
	if (!auth || !strcmp(auth, "psk") || !strcmp(auth, "secret") ||
	    !strncmp(auth, "pubkey", 6) || !strncmp(auth, "rsa", 3) || !strncmp(auth, "ecdsa", 5) ||
	    !strncmp(auth, "ed25519", 7))
		return true;
	import_remark(
		c->im,
		import_line(c->im, c->path, !strcmp(side, "local") ? "local.auth" : "remote.auth"),
		"%s: authentication %s of the %s side has no equivalent: the connection is left out",
		c->name, auth, side);
	return false;
}

bool import_by_key(const char *auth)
{
	return auth && (!strcmp(auth, "psk") || !strcmp(auth, "secret"));
}

static bool is_default_id(const struct conn *c, const char *id)
{
	return !id || !strcmp(id, "%any") || (c->n_peers && !strcmp(id, c->peers[0])) ||
	       (c->local && !strcmp(id, c->local));
}

/* swanctl names authentication rounds local, local-1, …: the first of each is meant. */
const char *import_round(struct conn *c, const char *side, const char *name)
{
	char path[2 * IMPORT_KEY_MAX];
	const char *v;

	snprintf(path, sizeof(path), "%s.%s", c->path, side);
	v = import_take(c->im, path, name);
	if (v)
		return v;
	snprintf(path, sizeof(path), "%s.%s-1", c->path, side);
	return import_take(c->im, path, name);
}

static void read_auth(struct conn *c)
{
	const char *version = import_take(c->im, c->path, "version");

	c->local_auth = import_round(c, "local", "auth");
	c->remote_auth = import_round(c, "remote", "auth");
	c->local_id = import_round(c, "local", "id");
	c->remote_id = import_round(c, "remote", "id");
	if (is_default_id(c, c->local_id))
		c->local_id = NULL;
	if (is_default_id(c, c->remote_id))
		c->remote_id = NULL;
	c->skip =
		!known_auth(c, "local", c->local_auth) || !known_auth(c, "remote", c->remote_auth);
	c->profile = c->local_id || !import_by_key(c->local_auth) ||
		     !import_by_key(c->remote_auth) || c->remote_id;
	if (version && !strcmp(version, "1")) {
		import_remark(c->im, import_line(c->im, c->path, "version"),
			      "%s: IKEv1 is not spoken: the connection is "
			      "left out",
			      c->name);
		c->skip = true;
	}
}

static long seconds(struct child *ch, struct import *im, const char *name)
{
	const char *text = import_take(im, ch->path, name);
	long v = text ? import_seconds(text) : 0;

	if (v < 0)
		import_remark(im, import_line(im, ch->path, name), "%s: %s is no time", ch->name,
			      text);
	return v < 0 ? 0 : v;
}

/* Ours is the whole life; a rekey_time alone is what strongSwan takes a tenth off for. */
static void read_life(struct conn *c, struct child *ch)
{
	long rekey = seconds(ch, c->im, "rekey_time"), life = seconds(ch, c->im, "life_time");
	const char *bytes = import_take(c->im, ch->path, "life_bytes");
	const char *soft = import_take(c->im, ch->path, "rekey_bytes");

	ch->life = life ? life : rekey + rekey / 10;
	if (ch->life && ch->life < 120) {
		import_remark(c->im, import_line(c->im, ch->path, "rekey_time"),
			      "%s: a lifetime is 120 s at least", ch->name);
		ch->life = 120;
	}
	if (bytes || soft)
		ch->kilobytes = atol(bytes ? bytes : soft) / 1024;
	if (ch->kilobytes && ch->kilobytes < 2560)
		ch->kilobytes = 2560;
	ch->idle = seconds(ch, c->im, "inactivity");
	if (ch->idle && ch->idle < 60) {
		import_remark(c->im, import_line(c->im, ch->path, "inactivity"),
			      "%s: an idle time is 60 s at least", ch->name);
		ch->idle = 60;
	}
}

static void read_child(struct conn *c, const char *name)
{
	struct child *ch = &c->children[c->n_children];
	const char *mode;

	*ch = (struct child){ 0 };
	snprintf(ch->name, sizeof(ch->name), "%s", name);
	snprintf(ch->path, sizeof(ch->path), "%s.children.%.100s", c->path, name);
	mode = import_take(c->im, ch->path, "mode");
	if (mode && strcmp(mode, "tunnel")) {
		import_remark(c->im, import_line(c->im, ch->path, "mode"),
			      "%s: mode %s has no equivalent: this child is left "
			      "out",
			      name, mode);
		return;
	}
	if (import_take(c->im, ch->path, "ah_proposals")) {
		import_remark(c->im, import_line(c->im, ch->path, "ah_proposals"),
			      "%s: AH is not imported: this child is left "
			      "out",
			      name);
		return;
	}
	ch->local_ts = import_take(c->im, ch->path, "local_ts");
	ch->remote_ts = import_take(c->im, ch->path, "remote_ts");
	ch->esp = import_take(c->im, ch->path, "esp_proposals");
	ch->esp_line = import_line(c->im, ch->path, "esp_proposals");
	ch->line = import_line(c->im, ch->path, "remote_ts");
	read_life(c, ch);
	c->n_children++;
}

void import_conn(struct conn *c, struct import *im, const char *name)
{
	char child[IMPORT_KEY_MAX], path[2 * IMPORT_KEY_MAX];

	memset(c, 0, sizeof(*c));
	c->im = im;
	snprintf(c->name, sizeof(c->name), "%s", name);
	snprintf(c->path, sizeof(c->path), "connections.%s", name);
	read_auth(c);
	read_peers(c);
	read_local(c);
	snprintf(path, sizeof(path), "%s.children", c->path);
	for (unsigned i = 0; import_child(im, path, i, child); i++)
		if (c->n_children < CHILDREN_MAX)
			read_child(c, child);
	if (!c->skip && !c->n_children)
		import_remark(im, 0, "%s: nothing is to be protected: the connection is left out",
			      c->name);
	c->skip |= !c->n_children;
}
