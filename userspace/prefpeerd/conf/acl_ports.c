// SPDX-License-Identifier: GPL-2.0-or-later
/* Protocol and ports of a line of an access list. */
#include "prefpeerd/conf/parser.h"
#include "prefpeerd/conf/services.h"

#include <netinet/in.h>

static const struct port_range any_port = { 0, UINT16_MAX };

struct side {
	enum slot lo, hi;
	uint64_t lt, gt;
};

static const struct side src = { SLOT_SPORT, SLOT_SPORT2, F_SPORT_LT, F_SPORT_GT };
static const struct side dst = { SLOT_DPORT, SLOT_DPORT2, F_DPORT_LT, F_DPORT_GT };

static bool is_number(const struct word *w)
{
	return w->s[0] >= '0' && w->s[0] <= '9';
}

static bool port_read(struct parser *p, const struct cmd *cmd, enum slot slot, uint8_t proto,
		      uint16_t *out)
{
	const struct arg *a = &cmd->arg[slot];
	int port = is_number(a->w) ? (int)a->num : port_by_name(proto, a->w);

	*out = (uint16_t)port;
	if (port >= 0)
		return true;
	parser_error(p, cmd_arg_pos(cmd, slot),
		     conf_text("%.*s is no port of this protocol that IOS has a name for",
			       (int)a->w->len, a->w->s),
		     conf_text("write its number"));
	return false;
}

/* An empty range is a slip of the pen, whoever made it. */
static bool ports_read(struct parser *p, const struct cmd *cmd, const struct side *s,
		       uint8_t proto, struct port_range *out)
{
	uint16_t lo, hi;

	if (!cmd->arg[s->lo].w)
		return true;
	if (!port_read(p, cmd, s->lo, proto, &lo))
		return false;
	hi = lo;
	if (cmd->arg[s->hi].w && !port_read(p, cmd, s->hi, proto, &hi))
		return false;
	if ((cmd->flags & s->lt && !lo) || (cmd->flags & s->gt && lo == UINT16_MAX) || lo > hi) {
		parser_error(p, cmd_arg_pos(cmd, s->lo),
			     lo > hi ? conf_text("the range %u %u is empty", lo, hi) :
				       conf_text("there is no such port"),
			     lo > hi ? conf_text("the lower port comes first: range %u %u", hi, lo) :
				       NULL);
		return false;
	}
	*out = cmd->flags & s->lt ? (struct port_range){ 0, lo - 1 } :
	       cmd->flags & s->gt ? (struct port_range){ lo + 1, UINT16_MAX } :
				    (struct port_range){ lo, hi };
	return true;
}

/* XFRM has the type as source port, and the code as destination port. */
static bool icmp_read(struct parser *p, const struct cmd *cmd, struct selector *out)
{
	const struct arg *type = &cmd->arg[SLOT_SPORT], *code = &cmd->arg[SLOT_DPORT];

	if (!type->w)
		return true;
	if (!is_number(type->w) && !icmp_by_name(out->proto, type->w, &out->sport, &out->dport)) {
		parser_error(p, cmd_arg_pos(cmd, SLOT_SPORT),
			     conf_text("%.*s is no message of ICMP that IOS has a name for",
				       (int)type->w->len, type->w->s),
			     conf_text("write its type, and perhaps its code, as numbers"));
		return false;
	}
	if (is_number(type->w))
		out->sport = (struct port_range){ (uint16_t)type->num, (uint16_t)type->num };
	if (code->w)
		out->dport = (struct port_range){ (uint16_t)code->num, (uint16_t)code->num };
	if (!cmd->no && !(cmd->flags & F_DENY))
		parser_warn(p, cmd_arg_pos(cmd, SLOT_SPORT),
			    conf_text("fragments have no ICMP type: messages larger than the MTU are not protected by this line"),
			    conf_text("without a type it protects all of ICMP"));
	return true;
}

bool conf_acl_ports(struct parser *p, const struct cmd *cmd, sa_family_t family,
		    struct selector *out)
{
	out->proto = cmd->arg[SLOT_PROTO].w ? (uint8_t)cmd->arg[SLOT_PROTO].num :
					      (uint8_t)cmd_keyword_value(cmd);
	out->sport = out->dport = any_port;
	if (out->proto == IPPROTO_ICMP || out->proto == IPPROTO_ICMPV6)
		return icmp_read(p, cmd, out);
	return ports_read(p, cmd, &src, out->proto, &out->sport) &&
	       ports_read(p, cmd, &dst, out->proto, &out->dport);
}
