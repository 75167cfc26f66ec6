// SPDX-License-Identifier: GPL-2.0-or-later
/* `crypto map` and `interface`; semantics.md §2, §4. */
#include "prefpeerd/conf/parser.h"

#include <stdlib.h>
#include <string.h>

#include <net/if.h>

static const char *map_kind_name(sa_family_t family)
{
	return family == AF_INET6 ? "IPv6" : "IPv4";
}

static sa_family_t cmd_family(const struct cmd *cmd)
{
	return cmd->flags & F_IPV6 ? AF_INET6 : AF_INET;
}

struct map *conf_map_get(struct parser *p, const struct cmd *cmd)
{
	char name[CONF_NAME_MAX + 1];
	struct map *m, **slot;

	word_copy(cmd->arg[SLOT_NAME].w, name, sizeof(name));
	m = conf_find_map(p->c, name);
	if (m && m->family != cmd_family(cmd)) {
		parser_error(p, cmd_arg_pos(cmd, SLOT_NAME),
			     conf_text("crypto map %s is an %s map since line %u", name,
				       map_kind_name(m->family), m->pos.line),
			     conf_text("a set is of one kind: name this one otherwise"));
		return NULL;
	}
	if (m)
		return m;
	slot = PARSER_GROW(p, p->c->maps, p->c->n_maps);
	m = slot ? parser_alloc(p, sizeof(*m)) : NULL;
	if (!m)
		return NULL;
	*slot = m;
	p->c->n_maps++;
	strcpy(m->name, name);
	m->family = cmd_family(cmd);
	m->pos = cmd_arg_pos(cmd, SLOT_NAME);
	return m;
}

static struct map_entry *entry_insert(struct parser *p, struct map *m, uint32_t seq)
{
	struct map_entry **slot = PARSER_GROW(p, m->entries, m->n_entries);
	struct map_entry *e = slot ? parser_alloc(p, sizeof(*e)) : NULL;
	unsigned i = m->n_entries;

	if (!e)
		return NULL;
	for (; i && m->entries[i - 1]->seq > seq; i--)
		m->entries[i] = m->entries[i - 1];
	m->entries[i] = e;
	m->n_entries++;
	e->map = m;
	e->seq = seq;
	return e;
}

static struct map_entry *entry_find(const struct map *m, uint64_t seq)
{
	for (unsigned i = 0; i < m->n_entries; i++)
		if (m->entries[i]->seq == seq)
			return m->entries[i];
	return NULL;
}

/* An entry stays of the kind that it began with, as in IOS; without a kind any is meant. */
static bool kind_fits(struct parser *p, const struct cmd *cmd, const struct map_entry *e)
{
	uint32_t kind = cmd_keyword_value(cmd);

	if (!kind || (kind == ENTRY_MANUAL) == (e->manual != NULL))
		return true;
	parser_error(p, cmd_pos(cmd),
		     conf_text("%s %u is %s entry since line %u", e->map->name, e->seq,
			       e->manual ? "an ipsec-manual" : "an ipsec-isakmp", e->pos.line),
		     conf_text("`no crypto map %s %u` first", e->map->name, e->seq));
	return false;
}

static struct map_entry *entry_begin(struct parser *p, const struct cmd *cmd, struct map *m)
{
	struct map_entry *e = entry_insert(p, m, (uint32_t)cmd->arg[SLOT_NUM].num);

	if (!e)
		return NULL;
	e->pos = cmd_pos(cmd);
	if (cmd_keyword_value(cmd) == ENTRY_MANUAL)
		e->manual = parser_alloc(p, sizeof(*e->manual));
	return e;
}

/* The entry of that number, made if need be, and entered; NULL: it is of another kind, or no memory. */
static struct map_entry *entry_enter(struct parser *p, const struct cmd *cmd, struct map *m)
{
	struct map_entry *e = entry_find(m, cmd->arg[SLOT_NUM].num);

	if (e && !kind_fits(p, cmd, e))
		return NULL;
	if (!e)
		e = entry_begin(p, cmd, m);
	if (e)
		parser_enter(p, e->manual ? MODE_MAP_MANUAL : MODE_MAP)->entry = e;
	return e;
}

void cmd_map_entry(struct parser *p, const struct cmd *cmd)
{
	struct map *m = conf_map_get(p, cmd);
	struct map_entry *e = m ? entry_enter(p, cmd, m) : NULL;

	if (!e || !cmd->arg[SLOT_TEXT].w)
		return;
	word_copy(cmd->arg[SLOT_TEXT].w, e->dynamic_name, sizeof(e->dynamic_name));
	e->dynamic_pos = cmd_arg_pos(cmd, SLOT_TEXT);
}

static struct map *dynamic_get(struct parser *p, const struct cmd *cmd)
{
	char name[CONF_NAME_MAX + 1];
	struct map *m, **slot;

	word_copy(cmd->arg[SLOT_NAME].w, name, sizeof(name));
	m = conf_find_dynamic(p->c, name);
	if (m)
		return m;
	slot = PARSER_GROW(p, p->c->dynamics, p->c->n_dynamics);
	m = slot ? parser_alloc(p, sizeof(*m)) : NULL;
	if (!m)
		return NULL;
	*slot = m;
	p->c->n_dynamics++;
	strcpy(m->name, name);
	m->family = AF_INET;
	m->is_dynamic = true;
	m->pos = cmd_arg_pos(cmd, SLOT_NAME);
	return m;
}

void cmd_dynamic_entry(struct parser *p, const struct cmd *cmd)
{
	struct map *m = dynamic_get(p, cmd);

	if (m)
		entry_enter(p, cmd, m);
}

static void list_unlink(struct map **list, unsigned *n, const struct map *m)
{
	unsigned i = 0;

	while (list[i] != m)
		i++;
	--*n;
	memmove(&list[i], &list[i + 1], (*n - i) * sizeof(*list));
}

static void map_unlink(struct config *c, const struct map *m)
{
	list_unlink(c->maps, &c->n_maps, m);
}

static void entry_unlink(struct map *m, const struct map_entry *e)
{
	unsigned i = 0;

	while (m->entries[i] != e)
		i++;
	m->n_entries--;
	memmove(&m->entries[i], &m->entries[i + 1], (m->n_entries - i) * sizeof(*m->entries));
}

/* `no crypto map NAME [SEQ]`: the entry, or the set; a set without anything goes too. */
void cmd_map_remove(struct parser *p, const struct cmd *cmd)
{
	char name[CONF_NAME_MAX + 1];
	struct map_entry *e;
	struct map *m;

	word_copy(cmd->arg[SLOT_NAME].w, name, sizeof(name));
	m = conf_find_map(p->c, name);
	e = m && cmd->arg[SLOT_NUM].w ? entry_find(m, cmd->arg[SLOT_NUM].num) : NULL;
	if (!m || m->family != cmd_family(cmd) || (cmd->arg[SLOT_NUM].w && !e)) {
		parser_nothing_to_remove(p, cmd);
		return;
	}
	if (e) {
		entry_unlink(m, e);
		conf_entry_free(e);
	}
	if (e && (m->n_entries || *m->local_address))
		return;
	map_unlink(p->c, m);
	conf_map_free(m);
}

/* `no crypto dynamic-map NAME [SEQ]`, likewise. */
void cmd_dynamic_remove(struct parser *p, const struct cmd *cmd)
{
	char name[CONF_NAME_MAX + 1];
	struct map_entry *e;
	struct map *m;

	word_copy(cmd->arg[SLOT_NAME].w, name, sizeof(name));
	m = conf_find_dynamic(p->c, name);
	e = m && cmd->arg[SLOT_NUM].w ? entry_find(m, cmd->arg[SLOT_NUM].num) : NULL;
	if (!m || (cmd->arg[SLOT_NUM].w && !e)) {
		parser_nothing_to_remove(p, cmd);
		return;
	}
	if (e) {
		entry_unlink(m, e);
		conf_entry_free(e);
	}
	if (e && m->n_entries)
		return;
	list_unlink(p->c->dynamics, &p->c->n_dynamics, m);
	conf_map_free(m);
}

/* What the kernel takes for a name of an interface. */
static bool iface_copy(struct parser *p, const struct cmd *cmd, char *out)
{
	const struct word *w = cmd->arg[SLOT_TEXT].w;

	if (w->len < IFNAMSIZ && !memchr(w->s, '/', w->len) && !word_is(w, ".") &&
	    !word_is(w, "..")) {
		word_copy(w, out, IFNAMSIZ);
		return true;
	}
	parser_error(p, cmd_arg_pos(cmd, SLOT_TEXT),
		     conf_text("%.*s is no name of an interface (1..15 bytes, no `/`)", (int)w->len,
			       w->s),
		     conf_text("write it as `ip link` does"));
	return false;
}

void cmd_map_local_address(struct parser *p, const struct cmd *cmd)
{
	char iface[IFNAMSIZ];
	struct map *m;

	if (!iface_copy(p, cmd, iface))
		return;
	m = conf_map_get(p, cmd);
	if (m)
		strcpy(m->local_address, iface);
}

void cmd_map_no_local_address(struct parser *p, const struct cmd *cmd)
{
	char name[CONF_NAME_MAX + 1];
	struct map *m;

	word_copy(cmd->arg[SLOT_NAME].w, name, sizeof(name));
	m = conf_find_map(p->c, name);
	if (!m || !*m->local_address) {
		parser_nothing_to_remove(p, cmd);
		return;
	}
	*m->local_address = '\0';
	if (m->n_entries)
		return;
	map_unlink(p->c, m);
	conf_map_free(m);
}

/* ---- in an entry ---- */

size_t conf_rest_len(const struct cmd *cmd)
{
	const struct word *w = cmd->arg[SLOT_TEXT].w;
	const struct line *ln = cmd->line;
	const struct word *last = &ln->w[ln->n - 1];
	size_t len = ln->len;

	/* Beyond LEX_WORDS_MAX words the end is not known by a word. */
	if (ln->total == ln->n)
		len = last->col - 1 + last->len;
	return len - (w->col - 1);
}

void cmd_description(struct parser *p, const struct cmd *cmd)
{
	struct map_entry *e = parser_frame(p)->entry;
	const struct word *w = cmd->arg[SLOT_TEXT].w;

	free(e->description);
	e->description = NULL;
	if (cmd->no)
		return;
	e->description = parser_strdup(p, w->s, conf_rest_len(cmd));
}

void cmd_match_address(struct parser *p, const struct cmd *cmd)
{
	struct map_entry *e = parser_frame(p)->entry;

	if (cmd->no) {
		*e->acl_name = '\0';
		return;
	}
	word_copy(cmd->arg[SLOT_NAME].w, e->acl_name, sizeof(e->acl_name));
	e->acl_pos = cmd_arg_pos(cmd, SLOT_NAME);
}

/* Judged against the global value by conf_check(): it applies first, wherever it stands (§2.2). */
void cmd_set_idle(struct parser *p, const struct cmd *cmd)
{
	struct map_entry *e = parser_frame(p)->entry;
	bool millis = cmd->flags & F_MILLIS;

	e->idle = (struct idle_time){0};
	if (cmd->no)
		return;
	e->idle.ms = (uint32_t)cmd->arg[SLOT_NUM].num * (millis ? 1 : 1000);
	e->idle.millis = millis;
	e->idle.home = cmd->flags & F_DEFAULT;
	e->idle.pos = cmd_arg_pos(cmd, SLOT_NUM);
}

void cmd_set_lifetime(struct parser *p, const struct cmd *cmd)
{
	parser_frame(p)->entry->lifetime_s = cmd_lifetime(cmd);
}

void cmd_set_lifetime_kb(struct parser *p, const struct cmd *cmd)
{
	struct map_entry *e = parser_frame(p)->entry;

	e->lifetime_kb_off = !cmd->no && cmd->flags & F_DISABLE;
	e->lifetime_kb = cmd->no || e->lifetime_kb_off ? 0 : cmd->arg[SLOT_NUM].num;
}

/* Whether the map is of IPv4 peers is known: the outer header has a DF bit there only. */
void cmd_set_df(struct parser *p, const struct cmd *cmd)
{
	struct map_entry *e = parser_frame(p)->entry;

	e->df = cmd->no ? DF_UNSET : (enum conf_df)cmd_keyword_value(cmd);
	if (!cmd->no && e->map->family == AF_INET6)
		parser_error(p, cmd_pos(cmd), conf_text("IPv6, which the peers of this map have, knows no DF bit"),
			     NULL);
}

void cmd_set_ecn(struct parser *p, const struct cmd *cmd)
{
	parser_frame(p)->entry->ecn = cmd->no ? ECN_UNSET : (enum conf_ecn)cmd_keyword_value(cmd);
}

void cmd_set_per_host(struct parser *p, const struct cmd *cmd)
{
	if (!conf_template_refuses(p, cmd, "pairs of SAs for each two hosts"))
		parser_frame(p)->entry->per_host = !cmd->no;
}

void cmd_set_replay(struct parser *p, const struct cmd *cmd)
{
	parser_frame(p)->entry->replay = cmd_replay(cmd);
}

void cmd_set_pfs(struct parser *p, const struct cmd *cmd)
{
	struct map_entry *e = parser_frame(p)->entry;

	e->pfs = cmd->no ? DH_NONE : cmd_keyword_value(cmd);
}

bool conf_template_refuses(struct parser *p, const struct cmd *cmd, const char *what)
{
	if (!parser_frame(p)->entry->map->is_dynamic)
		return false;
	parser_error(p, cmd_pos(cmd),
		     conf_text("a dynamic map never begins a tunnel: it has no use for %s", what),
		     conf_text("a peer that is to be called has an entry of its own: `crypto map NAME SEQ ipsec-isakmp`"));
	return true;
}

void cmd_set_timeout(struct parser *p, const struct cmd *cmd)
{
	uint32_t unit = cmd->flags & F_MILLIS ? 1 : 1000;

	if (conf_template_refuses(p, cmd, "a connect timeout"))
		return;
	parser_frame(p)->entry->answer_ms = cmd->no ? 0 : (uint32_t)cmd->arg[SLOT_NUM].num * unit;
}

/* The whole list at once, as IOS: a second line replaces the first. */
void cmd_set_transform(struct parser *p, const struct cmd *cmd)
{
	struct map_entry *e = parser_frame(p)->entry;

	e->n_sets = 0;
	for (unsigned i = 0; i < cmd->n_list && !cmd->no; i++) {
		for (unsigned k = 0; k < i; k++) {
			if (!word_equals(cmd->list[i], e->set_names[k]))
				continue;
			parser_error(p, conf_pos_word(cmd->line, cmd->list[i]),
				     conf_text("transform set %s is named twice", e->set_names[k]),
				     NULL);
			return;
		}
		word_copy(cmd->list[i], e->set_names[i], sizeof(e->set_names[i]));
		e->set_pos[i] = conf_pos_word(cmd->line, cmd->list[i]);
		e->n_sets++;
	}
}

/* ---- interface ---- */

void cmd_interface(struct parser *p, const struct cmd *cmd)
{
	char iface[IFNAMSIZ];

	if (iface_copy(p, cmd, iface))
		strcpy(parser_enter(p, MODE_INTERFACE)->name, iface);
}

static void use_remove(struct parser *p, unsigned i)
{
	p->n_uses--;
	memmove(&p->uses[i], &p->uses[i + 1], (p->n_uses - i) * sizeof(*p->uses));
}

void cmd_no_interface(struct parser *p, const struct cmd *cmd)
{
	bool found = false;

	for (unsigned i = p->n_uses; i-- > 0;) {
		if (!word_equals(cmd->arg[SLOT_TEXT].w, p->uses[i].iface))
			continue;
		use_remove(p, i);
		found = true;
	}
	if (!found)
		parser_nothing_to_remove(p, cmd);
}

static bool use_is(const struct map_use *u, const char *iface, const struct cmd *cmd)
{
	const struct word *w = cmd->arg[SLOT_NAME].w;

	return !strcmp(u->iface, iface) && (!w || word_equals(w, u->map));
}

static void interface_no_map(struct parser *p, const struct cmd *cmd, const char *iface)
{
	bool found = false;

	for (unsigned i = p->n_uses; i-- > 0;) {
		if (!use_is(&p->uses[i], iface, cmd))
			continue;
		use_remove(p, i);
		found = true;
	}
	if (!found)
		parser_nothing_to_remove(p, cmd);
}

/* A second set of one kind is refused by conf_check(), when the kinds are known. */
void cmd_interface_map(struct parser *p, const struct cmd *cmd)
{
	const char *iface = parser_frame(p)->name;
	struct map_use *u;

	if (cmd->no) {
		interface_no_map(p, cmd, iface);
		return;
	}
	for (unsigned i = 0; i < p->n_uses; i++)
		if (use_is(&p->uses[i], iface, cmd))
			return;
	u = PARSER_GROW(p, p->uses, p->n_uses);
	if (!u)
		return;
	p->n_uses++;
	memcpy(u->iface, iface, sizeof(u->iface)); /* fits: iface_copy() saw to it */
	u->ipv6 = cmd->flags & F_IPV6;
	word_copy(cmd->arg[SLOT_NAME].w, u->map, sizeof(u->map));
	u->pos = cmd_arg_pos(cmd, SLOT_NAME);
}

void cmd_set_profile(struct parser *p, const struct cmd *cmd)
{
	struct map_entry *e = parser_frame(p)->entry;

	*e->profile_name = '\0';
	if (cmd->no)
		return;
	word_copy(cmd->arg[SLOT_NAME].w, e->profile_name, sizeof(e->profile_name));
	e->profile_pos = cmd_arg_pos(cmd, SLOT_NAME);
}
