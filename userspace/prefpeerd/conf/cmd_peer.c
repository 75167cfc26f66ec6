// SPDX-License-Identifier: GPL-2.0-or-later
/* `set peer`, semantics.md §1. */
#include "prefpeerd/conf/parser.h"

#include <stdlib.h>
#include <string.h>

#define LABEL_MAX 63

static bool is_label_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

/* The last label is not all digits: that would be a mistyped address. */
bool conf_is_host_name(const char *s)
{
	size_t len = strlen(s), label = 0;
	bool letters = false;

	if (!len || len > HOST_NAME_MAX_LEN)
		return false;
	for (; *s; s++) {
		if (*s == '.') {
			if (!label || !s[1])
				return false;
			label = 0;
			letters = false;
			continue;
		}
		if (!is_label_byte(*s) || ++label > LABEL_MAX || (label == 1 && *s == '-'))
			return false;
		letters |= *s < '0' || *s > '9';
	}
	return letters;
}

static bool family_ok(struct parser *p, const struct cmd *cmd, const struct map *m,
		      const struct addr *a, const char *text)
{
	if (a->family == m->family)
		return true;
	if (m->family == AF_INET)
		parser_error(p, cmd_arg_pos(cmd, SLOT_NAME),
			     conf_text("crypto map %s is an IPv4 map and %s an IPv6 address",
				       m->name, text),
			     conf_text("`crypto map ipv6 NAME SEQ` takes IPv6 peers"));
	else
		parser_error(p, cmd_arg_pos(cmd, SLOT_NAME),
			     conf_text("crypto map %s is an IPv6 map and %s an IPv4 address",
				       m->name, text),
			     conf_text("`crypto map NAME SEQ` takes IPv4 peers"));
	return false;
}

static bool peer_read(struct parser *p, const struct cmd *cmd, struct conf_peer *out)
{
	const struct word *w = cmd->arg[SLOT_NAME].w;
	char buf[HOST_NAME_MAX_LEN + 1];
	const char *why;

	*out = (struct conf_peer){.pos = cmd_arg_pos(cmd, SLOT_NAME)};
	if (word_copy(w, buf, sizeof(buf)) && !addr_parse(buf, &out->addr)) {
		why = addr_unusable(&out->addr);
		if (!why)
			return family_ok(p, cmd, parser_frame(p)->entry->map, &out->addr, buf);
		parser_error(p, out->pos, conf_text("%s %s", buf, why), NULL);
		return false;
	}
	out->is_name = true;
	if (w->len <= HOST_NAME_MAX_LEN && conf_is_host_name(buf))
		return true;
	parser_error(p, out->pos,
		     conf_text("%.*s is neither an address nor a host name", (int)w->len, w->s),
		     NULL);
	return false;
}

static struct conf_peer *peer_find(struct map_entry *e, const struct conf_peer *x,
				   const struct word *w)
{
	for (unsigned i = 0; i < e->n_peers; i++) {
		struct conf_peer *q = &e->peers[i];

		if (x->is_name ? q->is_name && word_is(w, q->text)
			       : !q->is_name && addr_equal(&q->addr, &x->addr))
			return q;
	}
	return NULL;
}

/* At most one default, and it is the first (§1.1). */
static bool default_allowed(struct parser *p, const struct cmd *cmd, const struct map_entry *e,
			    const struct conf_peer *known)
{
	const struct conf_peer *first = e->peers;

	if (!e->n_peers || known == first)
		return true;
	if (first->is_default)
		parser_error(
			p, cmd_flag_pos(cmd, F_DEFAULT),
			conf_text("%% Only one default peer is allowed in a crypto map entry"),
			conf_text("the default is %s (line %u)", first->text, first->pos.line));
	else
		parser_error(
			p, cmd_flag_pos(cmd, F_DEFAULT),
			conf_text("%% Default peer must be the first peer in the peer list"),
			conf_text(
				"the first is %s (line %u): put `default` there, or move line %u up",
				first->text, first->pos.line, cmd->line->number));
	return false;
}

static void peer_append(struct parser *p, struct map_entry *e, const struct conf_peer *x,
			const struct word *w)
{
	struct conf_peer *q = PARSER_GROW(p, e->peers, e->n_peers);

	if (!q)
		return;
	*q = *x;
	q->text = parser_strdup(p, w->s, w->len);
	if (q->text)
		e->n_peers++;
}

static bool dynamic_allowed(struct parser *p, const struct cmd *cmd, const struct conf_peer *x)
{
	const struct word *w = cmd->arg[SLOT_NAME].w;

	if (x->is_name || !(cmd->flags & F_DYNAMIC))
		return true;
	parser_error(p, cmd_flag_pos(cmd, F_DYNAMIC),
		     conf_text("`dynamic` is for a host name, and %.*s is an address", (int)w->len,
			       w->s),
		     conf_text("leave `dynamic` out"));
	return false;
}

/* Entering a peer again sets or clears its flags (A14). */
void cmd_set_peer(struct parser *p, const struct cmd *cmd)
{
	struct map_entry *e = parser_frame(p)->entry;
	const struct word *w = cmd->arg[SLOT_NAME].w;
	struct conf_peer x, *known;

	if (conf_template_refuses(p, cmd, "a peer list") || !peer_read(p, cmd, &x) || !dynamic_allowed(p, cmd, &x))
		return;
	known = peer_find(e, &x, w);
	x.is_default = cmd->flags & F_DEFAULT;
	x.is_dynamic = cmd->flags & F_DYNAMIC;
	if (cmd->arg[SLOT_TEXT].w) {
		word_copy(cmd->arg[SLOT_TEXT].w, x.profile_name, sizeof(x.profile_name));
		x.profile_pos = cmd_arg_pos(cmd, SLOT_TEXT);
	}
	if (x.is_default && !default_allowed(p, cmd, e, known))
		return;
	if (known) {
		known->is_default = x.is_default;
		known->is_dynamic = x.is_dynamic;
		strcpy(known->profile_name, x.profile_name);
		known->profile_pos = x.profile_pos;
	} else {
		peer_append(p, e, &x, w);
	}
	e->has_default = e->n_peers && e->peers[0].is_default;
}

/* Without its default an entry has none: the new first is not promoted (§1.1). */
void cmd_no_peer(struct parser *p, const struct cmd *cmd)
{
	struct map_entry *e = parser_frame(p)->entry;
	struct conf_peer x, *known;
	unsigned i;

	if (!peer_read(p, cmd, &x))
		return;
	known = peer_find(e, &x, cmd->arg[SLOT_NAME].w);
	if (!known) {
		parser_nothing_to_remove(p, cmd);
		return;
	}
	i = (unsigned)(known - e->peers);
	free(known->text);
	e->n_peers--;
	memmove(known, known + 1, (e->n_peers - i) * sizeof(*known));
	e->has_default = e->n_peers && e->peers[0].is_default;
}

/*
 * For maintenance: the peer stays in the list, at its place, with what is said of it; it is
 * neither called nor let in until `no set peer A shutdown`.
 */
void cmd_peer_shutdown(struct parser *p, const struct cmd *cmd)
{
	struct map_entry *e = parser_frame(p)->entry;
	struct conf_peer x, *known;

	if (conf_template_refuses(p, cmd, "a peer list") || !peer_read(p, cmd, &x))
		return;
	known = peer_find(e, &x, cmd->arg[SLOT_NAME].w);
	if (known && (known->is_shut || !cmd->no))
		known->is_shut = !cmd->no;
	else if (cmd->no)
		parser_nothing_to_remove(p, cmd);
	else
		parser_error(p, x.pos,
			     conf_text("%.*s is not in the list", (int)cmd->arg[SLOT_NAME].w->len,
				       cmd->arg[SLOT_NAME].w->s),
			     conf_text("`set peer` puts it there; `shutdown` says that it is not used"));
}
