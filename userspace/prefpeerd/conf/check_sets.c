// SPDX-License-Identifier: GPL-2.0-or-later
/* The transform sets of an entry: its policies name one protocol and one mode; semantics.md §4. */
#include "prefpeerd/conf/parser.h"

static const char *protocol_name(const struct transform_set *s)
{
	return suite_is_ah(&s->suite) ? "AH" : "ESP";
}

static const char *mode_name(const struct transform_set *s)
{
	static const char *const names[] = {
		[SA_MODE_TUNNEL] = "tunnel mode",
		[SA_MODE_TRANSPORT] = "transport mode",
		[SA_MODE_TRANSPORT_REQUIRED] = "required transport mode",
	};

	return names[s->mode];
}

/* A template of XFRM is of one protocol, and the SA of the other would carry nothing. */
static void check_protocol(struct parser *p, const struct map_entry *e, unsigned i)
{
	const struct transform_set *first = e->sets[0], *s = e->sets[i];

	if (suite_is_ah(&first->suite) != suite_is_ah(&s->suite))
		parser_error(p, e->set_pos[i],
			     conf_text("transform set %s is of %s, and %s of %s: the packets of an entry have one protocol",
				       s->name, protocol_name(s), first->name, protocol_name(first)),
			     conf_text("give the entry sets of AH or of ESP"));
}

static void check_mode(struct parser *p, const struct map_entry *e, unsigned i)
{
	const struct transform_set *first = e->sets[0], *s = e->sets[i];

	if (first->mode != s->mode)
		parser_error(p, e->set_pos[i],
			     conf_text("transform set %s is in %s, and %s in %s: the mode is agreed for all of them at once (RFC 7296 section 1.3.1)",
				       s->name, mode_name(s), first->name, mode_name(first)),
			     conf_text("give all sets of the entry the same `mode`"));
}

static bool is_host(const struct prefix *p)
{
	struct prefix host = prefix_host(&p->addr);

	return prefix_equal(p, &host);
}

/* The peer of a name, or of whoever calls, is not known here. */
static bool may_be_peer(const struct map_entry *e, const struct addr *a)
{
	bool unknown = !e->n_peers;

	for (unsigned i = 0; i < e->n_peers; i++) {
		unknown |= e->peers[i].is_name;
		if (!e->peers[i].is_name && addr_equal(&e->peers[i].addr, a))
			return true;
	}
	return unknown;
}

/* As in IOS: what is not between the gateways themselves goes through a tunnel. */
static void check_transport_line(struct parser *p, const struct map_entry *e,
				 const struct acl_line *line)
{
	bool required = e->sets[0]->mode == SA_MODE_TRANSPORT_REQUIRED;
	char sel[SELECTOR_STRLEN];

	if (!line->permit ||
	    (is_host(&line->sel.src) && is_host(&line->sel.dst) &&
	     may_be_peer(e, &line->sel.dst.addr)))
		return;
	parser_warn(p, line->pos,
		    conf_text("%s is not between this gateway and a peer of %s %u: %s",
			      selector_print(&line->sel, sel, sizeof(sel)), e->map->name, e->seq,
			      required ? "with `mode transport require` it never comes up" :
					 "it is in tunnel mode, whatever its transform set says"),
		    conf_text("transport mode is for `permit ip host OURS host PEER`"));
}

void conf_check_sets(struct parser *p, const struct map_entry *e)
{
	for (unsigned i = 0; i < e->n_sets; i++)
		if (!e->sets[i])
			return;
	for (unsigned i = 1; i < e->n_sets; i++) {
		check_protocol(p, e, i);
		check_mode(p, e, i);
	}
	for (unsigned i = 0; e->n_sets && e->sets[0]->mode && e->acl && i < e->acl->n_lines; i++)
		check_transport_line(p, e, &e->acl->lines[i]);
}
