// SPDX-License-Identifier: GPL-2.0-or-later
/* Reverse-route injection; semantics.md §4.7. */
#include "prefpeerd/conf/parser.h"

static bool family_ok(struct parser *p, const struct cmd *cmd, const struct map_entry *e)
{
	const struct addr *a = &cmd->arg[SLOT_SRC].addr;

	if (a->family == e->map->family)
		return true;
	parser_error(p, cmd_arg_pos(cmd, SLOT_SRC),
		     conf_text("the next hop is of the other family than the peers of map %s",
			       e->map->name),
		     NULL);
	return false;
}

static bool is_free(struct parser *p, const struct cmd *cmd, const struct reverse_route_conf *c,
		    bool by_peer)
{
	if (!addr_is_set(&c->via) || c->from_peer == by_peer)
		return true;
	parser_error(p, cmd_arg_pos(cmd, SLOT_SRC),
		     conf_text("the entry has a next hop by `%s`",
			       by_peer ? "set reverse-route gateway" : "reverse-route remote-peer"),
		     conf_text("one of them is enough"));
	return false;
}

void cmd_reverse_route(struct parser *p, const struct cmd *cmd)
{
	struct map_entry *e = parser_frame(p)->entry;
	struct reverse_route_conf *c = &e->rri;

	if (!cmd->no && cmd->arg[SLOT_SRC].w &&
	    (!family_ok(p, cmd, e) || !is_free(p, cmd, c, true)))
		return;
	if (c->from_peer)
		c->via = (struct addr){ .family = AF_UNSPEC };
	c->from_peer = c->to_peer = false;
	c->mode = RRI_NONE;
	if (cmd->no)
		return;
	c->pos = cmd_pos(cmd);
	c->mode = cmd->flags & F_STATIC ? RRI_STATIC : RRI_PLAIN;
	if (!cmd->arg[SLOT_SRC].w)
		return;
	c->via = cmd->arg[SLOT_SRC].addr;
	c->from_peer = true;
	c->to_peer = cmd->flags & F_GATEWAY;
}

void cmd_rri_distance(struct parser *p, const struct cmd *cmd)
{
	parser_frame(p)->entry->rri.distance = cmd->no ? 0 : (uint32_t)cmd->arg[SLOT_NUM].num;
}

void cmd_rri_gateway(struct parser *p, const struct cmd *cmd)
{
	struct map_entry *e = parser_frame(p)->entry;

	if (cmd->no && !e->rri.from_peer)
		e->rri.via = (struct addr){ .family = AF_UNSPEC };
	else if (!cmd->no && family_ok(p, cmd, e) && is_free(p, cmd, &e->rri, false))
		e->rri.via = cmd->arg[SLOT_SRC].addr;
}

void check_reverse_route(struct parser *p, const struct map_entry *e)
{
	bool any = false;

	if (e->rri.mode == RRI_PLAIN && conf_entry_idle(p->c, e).ms)
		parser_warn(p, e->rri.pos,
			    conf_text("`reverse-route` with an idle timer: when its SAs are idle the route goes, and packets that would make them again may not come here any more"),
			    conf_text("`reverse-route static` keeps it"));
	for (unsigned i = 0; e->rri.mode && e->acl && i < e->acl->n_lines; i++)
		any |= e->acl->lines[i].permit && !e->acl->lines[i].sel.dst.len;
	if (any)
		parser_warn(p, e->rri.pos,
			    conf_text("no reverse route is made for `any`: it would take the place of the default route"),
			    NULL);
}
