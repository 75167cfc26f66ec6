// SPDX-License-Identifier: GPL-2.0-or-later
/* Accounting: lists, RADIUS servers, and the maps that use them; semantics.md §4.5. */
#include "prefpeerd/conf/parser.h"

#include <stdlib.h>
#include <string.h>

/* ---- RADIUS servers ---- */

static void radius_free(struct radius_server *r)
{
	if (r->secret)
		explicit_bzero(r->secret, strlen(r->secret));
	free(r->secret);
	free(r);
}

static unsigned radius_find(const struct config *c, const struct word *name)
{
	unsigned i = 0;

	while (i < c->n_radius && !word_equals(name, c->radius[i]->name))
		i++;
	return i;
}

void cmd_radius_server(struct parser *p, const struct cmd *cmd)
{
	const struct word *name = cmd->arg[SLOT_NAME].w;
	unsigned at = radius_find(p->c, name);
	struct radius_server **slot;

	if (at == p->c->n_radius) {
		slot = PARSER_GROW(p, p->c->radius, p->c->n_radius);
		if (slot)
			*slot = parser_alloc(p, sizeof(**slot));
		if (!slot || !*slot)
			return;
		p->c->n_radius++;
		word_copy(name, (*slot)->name, sizeof((*slot)->name));
		(*slot)->pos = cmd_arg_pos(cmd, SLOT_NAME);
		(*slot)->port = RADIUS_ACCT_PORT;
		(*slot)->timeout_s = RADIUS_TIMEOUT_S;
		(*slot)->retransmit = RADIUS_RETRANSMIT;
	}
	parser_enter(p, MODE_RADIUS)->radius = p->c->radius[at];
}

void cmd_no_radius_server(struct parser *p, const struct cmd *cmd)
{
	struct config *c = p->c;
	unsigned at = radius_find(c, cmd->arg[SLOT_NAME].w);

	if (at == c->n_radius) {
		parser_nothing_to_remove(p, cmd);
		return;
	}
	radius_free(c->radius[at]);
	memmove(&c->radius[at], &c->radius[at + 1], (--c->n_radius - at) * sizeof(*c->radius));
}

void cmd_radius_address(struct parser *p, const struct cmd *cmd)
{
	struct radius_server *r = parser_frame(p)->radius;

	r->addr = cmd->no ? (struct addr){ 0 } : cmd->arg[SLOT_SRC].addr;
	r->port = cmd->arg[SLOT_NUM].w ? (uint16_t)cmd->arg[SLOT_NUM].num : RADIUS_ACCT_PORT;
}

void cmd_radius_key(struct parser *p, const struct cmd *cmd)
{
	struct radius_server *r = parser_frame(p)->radius;
	const struct word *w = cmd->arg[SLOT_TEXT].w;

	if (!cmd->no && (w->len > RADIUS_SECRET_MAX || memchr(w->s, ':', w->len))) {
		parser_error(p, cmd_arg_pos(cmd, SLOT_TEXT),
			     w->len > RADIUS_SECRET_MAX ?
				     conf_text("a key of %u bytes is too long (1..%u)", w->len,
					       RADIUS_SECRET_MAX) :
				     conf_text("the client library takes no key with a colon in it"),
			     NULL);
		return;
	}
	if (r->secret)
		explicit_bzero(r->secret, strlen(r->secret));
	free(r->secret);
	r->secret = cmd->no ? NULL : parser_strdup(p, w->s, w->len);
}

void cmd_radius_timeout(struct parser *p, const struct cmd *cmd)
{
	parser_frame(p)->radius->timeout_s =
		cmd->no ? RADIUS_TIMEOUT_S : (uint32_t)cmd->arg[SLOT_NUM].num;
}

void cmd_radius_retransmit(struct parser *p, const struct cmd *cmd)
{
	parser_frame(p)->radius->retransmit =
		cmd->no ? RADIUS_RETRANSMIT : (uint32_t)cmd->arg[SLOT_NUM].num;
}

/* ---- lists ---- */

static struct acct_list *list_find(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->n_acct_lists; i++)
		if (!strcmp(c->acct_lists[i]->name, name))
			return c->acct_lists[i];
	return NULL;
}

static struct acct_list *list_get(struct parser *p, const struct cmd *cmd)
{
	char name[CONF_NAME_MAX + 1];
	struct acct_list *l, **slot;

	word_copy(cmd->arg[SLOT_NAME].w, name, sizeof(name));
	l = list_find(p->c, name);
	if (l)
		return l;
	slot = PARSER_GROW(p, p->c->acct_lists, p->c->n_acct_lists);
	l = slot ? parser_alloc(p, sizeof(*l)) : NULL;
	if (!l)
		return NULL;
	*slot = l;
	p->c->n_acct_lists++;
	strcpy(l->name, name);
	l->pos = cmd_arg_pos(cmd, SLOT_NAME);
	return l;
}

/* Each line of a list adds one place; the records go to all of them. */
void cmd_acct_list(struct parser *p, const struct cmd *cmd)
{
	const struct word *w = cmd->arg[SLOT_TEXT].w;
	struct acct_list *l;

	if (w && *w->s != '/') {
		parser_error(p, cmd_arg_pos(cmd, SLOT_TEXT),
			     conf_text("%.*s is not an absolute path", (int)w->len, w->s), NULL);
		return;
	}
	l = list_get(p, cmd);
	if (!l)
		return;
	l->radius |= cmd_keyword_value(cmd) == ACCT_RADIUS;
	l->syslog |= cmd_keyword_value(cmd) == ACCT_SYSLOG;
	if (!w)
		return;
	free(l->file);
	l->file = parser_strdup(p, w->s, w->len);
}

static void list_free(struct acct_list *l)
{
	free(l->file);
	free(l);
}

void cmd_no_acct_list(struct parser *p, const struct cmd *cmd)
{
	struct config *c = p->c;

	for (unsigned i = 0; i < c->n_acct_lists; i++) {
		if (!word_equals(cmd->arg[SLOT_NAME].w, c->acct_lists[i]->name))
			continue;
		list_free(c->acct_lists[i]);
		memmove(&c->acct_lists[i], &c->acct_lists[i + 1],
			(--c->n_acct_lists - i) * sizeof(*c->acct_lists));
		return;
	}
	parser_nothing_to_remove(p, cmd);
}

void cmd_acct_update(struct parser *p, const struct cmd *cmd)
{
	p->c->acct_update_min = cmd->no ? 0 : (uint32_t)cmd->arg[SLOT_NUM].num;
}

void cmd_map_accounting(struct parser *p, const struct cmd *cmd)
{
	struct map *m = conf_map_get(p, cmd);

	if (!m)
		return;
	*m->acct_name = '\0';
	if (cmd->no)
		return;
	word_copy(cmd->arg[SLOT_TEXT].w, m->acct_name, sizeof(m->acct_name));
	m->acct_pos = cmd_arg_pos(cmd, SLOT_TEXT);
}

void conf_accounting_free(struct config *c)
{
	for (unsigned i = 0; i < c->n_radius; i++)
		radius_free(c->radius[i]);
	for (unsigned i = 0; i < c->n_acct_lists; i++)
		list_free(c->acct_lists[i]);
	free(c->radius);
	free(c->acct_lists);
}

/* ---- when the whole file is read ---- */

static void check_radius(struct parser *p, const struct radius_server *r)
{
	if (!addr_is_set(&r->addr))
		parser_error(p, r->pos, conf_text("RADIUS server %s has no address", r->name),
			     conf_text("`address ipv4 A`"));
	if (!r->secret)
		parser_error(p, r->pos, conf_text("RADIUS server %s has no key", r->name), NULL);
}

void conf_check_accounting(struct parser *p)
{
	struct config *c = p->c;

	for (unsigned i = 0; i < c->n_radius && !p->failed[MODE_RADIUS]; i++)
		check_radius(p, c->radius[i]);
	for (unsigned i = 0; i < c->n_acct_lists; i++)
		if (c->acct_lists[i]->radius && !c->n_radius && !p->failed[MODE_RADIUS])
			parser_error(p, c->acct_lists[i]->pos,
				     conf_text("accounting list %s is for RADIUS servers, and there is none",
					       c->acct_lists[i]->name),
				     conf_text("`radius server NAME`, and below it `address` and `key`"));
	for (unsigned i = 0; i < c->n_maps; i++) {
		struct map *m = c->maps[i];

		m->acct = *m->acct_name ? list_find(c, m->acct_name) : NULL;
		if (*m->acct_name && !m->acct)
			parser_error(p, m->acct_pos,
				     conf_text("accounting list %s does not exist", m->acct_name),
				     conf_text("`aaa accounting network %s start-stop …`", m->acct_name));
	}
}

bool conf_radius_known(struct radius_server *r, const struct config *present, struct conf_diags *diags)
{
	if (!r->secret || strcmp(r->secret, CONF_HIDDEN))
		return true;
	for (unsigned i = 0; present && i < present->n_radius; i++) {
		const struct radius_server *o = present->radius[i];
		char *copy = strcmp(o->name, r->name) || !o->secret ? NULL : strdup(o->secret);

		if (!copy)
			continue;
		free(r->secret);
		r->secret = copy;
		return true;
	}
	conf_diag(diags, CONF_ERROR, r->pos,
		  conf_text(CONF_HIDDEN " stands for a key that is in force, and there is none"),
		  conf_text("write the key itself"));
	return false;
}
