// SPDX-License-Identifier: GPL-2.0-or-later
/* Access lists, semantics.md §4.1. */
#include "prefpeerd/conf/parser.h"
#include "prefpeerd/conf/services.h"

#include <stdlib.h>
#include <string.h>

#define SEQ_STEP 10

struct acl *conf_find_acl(const struct config *c, const char *name)
{
	struct acl *a;

	HASH_FIND_STR(c->acl_by_name, name, a);
	return a;
}

static struct acl *acl_find(struct parser *p, const struct cmd *cmd)
{
	char name[CONF_NAME_MAX + 1];

	word_copy(cmd->arg[SLOT_NAME].w, name, sizeof(name));
	return conf_find_acl(p->c, name);
}

static struct acl *acl_get(struct parser *p, const struct cmd *cmd, sa_family_t family)
{
	char name[CONF_NAME_MAX + 1];
	struct acl *a, **slot;

	word_copy(cmd->arg[SLOT_NAME].w, name, sizeof(name));
	a = conf_find_acl(p->c, name);
	if (a && a->family != family) {
		parser_error(p, cmd_arg_pos(cmd, SLOT_NAME),
			     conf_text("access list %s is of the other family since line %u", name,
				       a->pos.line),
			     NULL);
		return NULL;
	}
	if (a)
		return a;
	slot = PARSER_GROW(p, p->c->acls, p->c->n_acls);
	a = slot ? parser_alloc(p, sizeof(*a)) : NULL;
	if (!a)
		return NULL;
	*slot = a;
	p->c->n_acls++;
	strcpy(a->name, name);
	a->family = family;
	a->pos = cmd_arg_pos(cmd, SLOT_NAME);
	HASH_ADD_STR(p->c->acl_by_name, name, a);
	return a;
}

/* "number 200 is not an extended list's", for the gap in the grammar's range. */
static bool number_ok(struct parser *p, const struct cmd *cmd)
{
	uint64_t n = cmd->arg[SLOT_NAME].num;

	if (!(cmd->flags & F_NUMBERED) || n <= 199 || n >= 2000)
		return true;
	parser_error(p, cmd_arg_pos(cmd, SLOT_NAME),
		     conf_text("access list %u is not an extended one (100..199, 2000..2699)",
			       (unsigned)n),
		     NULL);
	return false;
}

/* A name of digits only is a number, and those have their ranges. */
static bool name_ok(struct parser *p, const struct cmd *cmd)
{
	const struct word *w = cmd->arg[SLOT_NAME].w;
	char name[CONF_NAME_MAX + 1];
	unsigned long n;

	word_copy(w, name, sizeof(name));
	if (name[strspn(name, "0123456789")])
		return true;
	n = strtoul(name, NULL, 10);
	if (!(cmd->flags & F_IPV6) && name[0] != '0' &&
	    ((n >= 100 && n <= 199) || (n >= 2000 && n <= 2699)))
		return true;
	parser_error(
		p, cmd_arg_pos(cmd, SLOT_NAME),
		conf_text("%s is not the number of an extended access list (100..199, 2000..2699)",
			  name),
		NULL);
	return false;
}

void cmd_acl_named(struct parser *p, const struct cmd *cmd)
{
	bool ipv6 = cmd->flags & F_IPV6;
	struct acl *a;

	if (!name_ok(p, cmd))
		return;
	a = acl_get(p, cmd, ipv6 ? AF_INET6 : AF_INET);
	if (a)
		parser_enter(p, ipv6 ? MODE_ACL6 : MODE_ACL4)->acl = a;
}

void cmd_acl_remark(struct parser *p, const struct cmd *cmd)
{
	number_ok(p, cmd);
}

static void acl_remove(struct config *c, struct acl *a)
{
	unsigned i = 0;

	while (c->acls[i] != a)
		i++;
	HASH_DEL(c->acl_by_name, a);
	conf_acl_free(a);
	c->n_acls--;
	memmove(&c->acls[i], &c->acls[i + 1], (c->n_acls - i) * sizeof(*c->acls));
}

void cmd_acl_remove(struct parser *p, const struct cmd *cmd)
{
	struct acl *a = acl_find(p, cmd);

	if (a)
		acl_remove(p->c, a);
	else
		parser_nothing_to_remove(p, cmd);
}

/* ---- lines ---- */

/* A wildcard's ones must be the low bits: an XFRM selector is a prefix. */
static bool wildcard_len(uint32_t wild, uint8_t *len)
{
	if (wild & (wild + 1))
		return false;
	*len = 32;
	for (; wild; wild >>= 1)
		(*len)--;
	return true;
}

static void wildcard_error(struct parser *p, const struct cmd *cmd, enum slot slot)
{
	const struct arg *a = &cmd->arg[slot];
	struct in_addr inverse = {~a->addr.v4.s_addr};
	char text[INET_ADDRSTRLEN];
	struct addr inv = {.family = AF_INET, .v4 = inverse};
	char *hint = NULL;
	uint8_t len;

	if (wildcard_len(ntohl(inverse.s_addr), &len))
		hint = conf_text("a wildcard is a mask turned round: %s",
				 addr_print(&inv, text, sizeof(text)));
	parser_error(p, cmd_arg_pos(cmd, slot),
		     conf_text("wildcard %.*s is not contiguous: only prefixes can be protected",
			       (int)a->w->len, a->w->s),
		     hint);
}

static bool side_read(struct parser *p, const struct cmd *cmd, enum slot addr, enum slot wild,
		      sa_family_t family, struct prefix *out)
{
	const struct arg *a = &cmd->arg[addr], *m = &cmd->arg[wild];
	uint32_t bits;

	if (!a->w) {
		*out = prefix_any(family);
		return true;
	}
	*out = a->prefix;
	if (family != AF_INET || !m->w)
		return true;
	bits = ntohl(m->addr.v4.s_addr);
	if (!wildcard_len(bits, &out->len)) {
		wildcard_error(p, cmd, wild);
		return false;
	}
	out->addr.v4.s_addr &= htonl(~bits); /* as IOS: such bits do not matter */
	return true;
}

static struct acl_line *line_insert(struct parser *p, struct acl *a, uint32_t seq)
{
	struct acl_line *l = PARSER_GROW(p, a->lines, a->n_lines);
	unsigned i = a->n_lines;

	if (!l)
		return NULL;
	for (; i && a->lines[i - 1].seq > seq; i--)
		a->lines[i] = a->lines[i - 1];
	a->n_lines++;
	a->lines[i] = (struct acl_line){.seq = seq};
	return &a->lines[i];
}

static uint32_t next_seq(const struct acl *a)
{
	uint32_t last = a->n_lines ? a->lines[a->n_lines - 1].seq : 0;

	return last > INT32_MAX - SEQ_STEP ? 0 : last + SEQ_STEP;
}

/* The number that was typed or the next; 0 with an error told. */
static uint32_t line_seq(struct parser *p, const struct cmd *cmd, const struct acl *a)
{
	uint32_t seq = (uint32_t)cmd->arg[SLOT_NUM].num;

	if (!cmd->arg[SLOT_NUM].w) {
		seq = next_seq(a);
		if (!seq)
			parser_error(p, cmd_pos(cmd),
				     conf_text("access list %s has no line number left after %d",
					       a->name, a->lines[a->n_lines - 1].seq),
				     NULL);
		return seq;
	}
	for (unsigned i = 0; i < a->n_lines; i++) {
		if (a->lines[i].seq != seq)
			continue;
		parser_error(p, cmd_arg_pos(cmd, SLOT_NUM),
			     conf_text("access list %s has a line %u already (line %u of the file)",
				       a->name, seq, a->lines[i].pos.line),
			     NULL);
		return 0;
	}
	return seq;
}

static void any_any_error(struct parser *p, const struct selector *sel, struct conf_pos pos)
{
	sa_family_t family = sel->src.addr.family;

	if (!sel->proto)
		parser_error(
			p, pos,
			conf_text(
				"`permit %s any any` would protect the tunnel's own packets and cut this machine off",
				protocol_name(family, 0)),
			conf_text("name the network behind this gateway as the source"));
	else
		parser_error(p, pos,
			     conf_text("a permit from any to any does not say which end is behind this gateway"),
			     conf_text("name the network behind this gateway as the source"));
}

static bool line_read(struct parser *p, const struct cmd *cmd, sa_family_t family,
		      struct acl_line *out)
{
	out->permit = !(cmd->flags & F_DENY);
	out->sel = selector_any(family);
	out->pos = cmd_pos(cmd);
	if (!side_read(p, cmd, SLOT_SRC, SLOT_SRC_WILD, family, &out->sel.src) ||
	    !side_read(p, cmd, SLOT_DST, SLOT_DST_WILD, family, &out->sel.dst))
		return false;
	if (!conf_acl_ports(p, cmd, family, &out->sel))
		return false;
	if (cmd->no || !out->permit || out->sel.src.len || out->sel.dst.len)
		return true;
	any_any_error(p, &out->sel, out->pos);
	return false;
}

static struct acl *acl_of(struct parser *p, const struct cmd *cmd)
{
	return cmd->flags & F_NUMBERED ? acl_get(p, cmd, AF_INET) : parser_frame(p)->acl;
}

static bool same_line(const struct acl_line *a, const struct acl_line *b)
{
	return a->permit == b->permit && selector_equal(&a->sel, &b->sel);
}

void cmd_acl_line(struct parser *p, const struct cmd *cmd)
{
	struct acl_line x = {0}, *l;
	struct acl *a;

	if (!number_ok(p, cmd))
		return;
	a = acl_of(p, cmd);
	if (!a || !line_read(p, cmd, a->family, &x))
		return;
	for (unsigned i = 0; i < a->n_lines; i++) {
		if (!same_line(&a->lines[i], &x))
			continue;
		parser_warn(p, x.pos,
			    conf_text("the same as line %u; not added", a->lines[i].pos.line),
			    NULL);
		return;
	}
	x.seq = line_seq(p, cmd, a);
	l = x.seq ? line_insert(p, a, x.seq) : NULL;
	if (l)
		*l = x;
}

static void line_remove(struct acl *a, unsigned i)
{
	a->n_lines--;
	memmove(&a->lines[i], &a->lines[i + 1], (a->n_lines - i) * sizeof(*a->lines));
}

void cmd_acl_no_line(struct parser *p, const struct cmd *cmd)
{
	struct acl *a = parser_frame(p)->acl;

	for (unsigned i = 0; i < a->n_lines; i++) {
		if (a->lines[i].seq != cmd->arg[SLOT_NUM].num)
			continue;
		line_remove(a, i);
		return;
	}
	parser_nothing_to_remove(p, cmd);
}

/* `no permit …`: the line that says so, whatever its number unless one was typed. */
void cmd_acl_no_match(struct parser *p, const struct cmd *cmd)
{
	uint64_t seq = cmd->arg[SLOT_NUM].num;
	struct acl_line x = {0};
	struct acl *a = cmd->flags & F_NUMBERED ? acl_find(p, cmd) : parser_frame(p)->acl;

	if (!line_read(p, cmd, a ? a->family : AF_INET, &x))
		return;
	for (unsigned i = 0; a && i < a->n_lines; i++) {
		if (!same_line(&a->lines[i], &x) || (seq && a->lines[i].seq != seq))
			continue;
		line_remove(a, i);
		/* A numbered list is there by its lines. */
		if (cmd->flags & F_NUMBERED && !a->n_lines)
			acl_remove(p->c, a);
		return;
	}
	parser_nothing_to_remove(p, cmd);
}
