// SPDX-License-Identifier: GPL-2.0-or-later
/* Transform sets and what applies to all maps; semantics.md §2, §3, §8. */
#include "prefpeerd/conf/parser.h"

#include <stdlib.h>
#include <string.h>

struct transform_set *conf_find_set(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->n_sets; i++)
		if (!strcmp(c->sets[i]->name, name))
			return c->sets[i];
	return NULL;
}

static struct transform_set *set_get(struct parser *p, const struct word *w)
{
	struct transform_set *s, **slot;
	char name[CONF_NAME_MAX + 1];

	word_copy(w, name, sizeof(name));
	s = conf_find_set(p->c, name);
	if (s)
		return s;
	slot = PARSER_GROW(p, p->c->sets, p->c->n_sets);
	s = slot ? parser_alloc(p, sizeof(*s)) : NULL;
	if (!s)
		return NULL;
	*slot = s;
	p->c->n_sets++;
	strcpy(s->name, name);
	return s;
}

static enum ike_integ set_integ(uint64_t flags)
{
	if (flags & F_SHA512)
		return INTEG_HMAC_SHA2_512_256;
	if (flags & F_SHA384)
		return INTEG_HMAC_SHA2_384_192;
	return flags & F_SHA256 ? INTEG_HMAC_SHA2_256_128 : INTEG_NONE;
}

static bool same_transforms(const struct esp_suite *a, const struct esp_suite *b)
{
	return a->encr == b->encr && a->key_bits == b->key_bits && a->integ == b->integ;
}

void cmd_transform_set(struct parser *p, const struct cmd *cmd)
{
	unsigned bits = cmd->arg[SLOT_NUM].w ? (unsigned)cmd->arg[SLOT_NUM].num : 128;
	enum ike_encr encr = cmd_keyword_value(cmd);
	bool aes = encr != ENCR_NONE && encr != ENCR_CHACHA20_POLY1305 && encr != ENCR_NULL;
	struct esp_suite suite;
	struct transform_set *s;

	if (bits != 128 && bits != 192 && bits != 256) {
		parser_error(p, cmd_arg_pos(cmd, SLOT_NUM),
			     conf_text("AES has no keys of %u bits", bits), conf_text("use 256"));
		return;
	}
	s = set_get(p, cmd->arg[SLOT_NAME].w);
	if (!s)
		return;
	s->pos = cmd_arg_pos(cmd, SLOT_NAME);
	suite = (struct esp_suite){
		.encr = encr,
		.key_bits = (uint16_t)(aes ? bits : 0),
		.integ = set_integ(cmd->flags),
	};
	/* Who comes back to the same set, to change what is below it, keeps the rest of that. */
	if (same_transforms(&suite, &s->suite))
		suite.esn = s->suite.esn;
	else
		s->mode = SA_MODE_TUNNEL;
	s->suite = suite;
	if (encr == ENCR_NONE || encr == ENCR_NULL || encr == ENCR_NULL_AUTH_AES_GMAC)
		parser_warn(p, s->pos,
			    conf_text("packets of transform set %s are not encrypted", s->name),
			    conf_text("esp-gcm 256 encrypts, and costs as much"));
	parser_enter(p, MODE_SET)->set = s;
}

void cmd_set_esn(struct parser *p, const struct cmd *cmd)
{
	if (parser_frame(p)->set)
		parser_frame(p)->set->suite.esn = !cmd->no;
}

void cmd_no_transform_set(struct parser *p, const struct cmd *cmd)
{
	struct config *c = p->c;

	for (unsigned i = 0; i < c->n_sets; i++) {
		if (!word_equals(cmd->arg[SLOT_NAME].w, c->sets[i]->name))
			continue;
		free(c->sets[i]);
		c->n_sets--;
		memmove(&c->sets[i], &c->sets[i + 1], (c->n_sets - i) * sizeof(*c->sets));
		return;
	}
	parser_nothing_to_remove(p, cmd);
}

/* Tunnel is what a set is without. */
void cmd_mode_tunnel(struct parser *p, const struct cmd *cmd)
{
	(void)cmd;
	if (parser_frame(p)->set)
		parser_frame(p)->set->mode = SA_MODE_TUNNEL;
}

void cmd_mode_transport(struct parser *p, const struct cmd *cmd)
{
	if (cmd->no)
		cmd_mode_tunnel(p, cmd);
	else if (parser_frame(p)->set)
		parser_frame(p)->set->mode = cmd->flags & F_REQUIRE ? SA_MODE_TRANSPORT_REQUIRED
								    : SA_MODE_TRANSPORT;
}

void cmd_global_idle(struct parser *p, const struct cmd *cmd)
{
	p->c->idle_ms = cmd->no ? 0 : (uint32_t)cmd->arg[SLOT_NUM].num * 1000;
}

#define DAY_S 86400

uint32_t cmd_lifetime(const struct cmd *cmd)
{
	if (cmd->no)
		return 0;
	return (uint32_t)cmd->arg[SLOT_NUM].num * (cmd->flags & F_DAYS ? DAY_S : 1);
}

void cmd_global_lifetime(struct parser *p, const struct cmd *cmd)
{
	p->c->child_lifetime_s = cmd->no ? CHILD_LIFETIME_S : cmd_lifetime(cmd);
}

struct replay cmd_replay(const struct cmd *cmd)
{
	if (cmd->no)
		return (struct replay){ 0 };
	return (struct replay){
		.window = cmd_keyword_value(cmd),
		.off = cmd->flags & F_DISABLE,
	};
}

void cmd_global_df(struct parser *p, const struct cmd *cmd)
{
	p->c->df = cmd->no ? DF_UNSET : (enum conf_df)cmd_keyword_value(cmd);
}

void cmd_global_ecn(struct parser *p, const struct cmd *cmd)
{
	p->c->ecn = cmd->no ? ECN_UNSET : (enum conf_ecn)cmd_keyword_value(cmd);
}

void cmd_global_replay(struct parser *p, const struct cmd *cmd)
{
	p->c->replay = cmd_replay(cmd);
}

#define FRAG_MTU_USEFUL 200 /* below, a fragment is hardly more than its headers */

void cmd_logging(struct parser *p, const struct cmd *cmd)
{
	unsigned what = cmd_keyword_value(cmd);

	if (cmd->no)
		p->c->logging &= ~what;
	else
		p->c->logging |= what;
}

void cmd_fragmentation(struct parser *p, const struct cmd *cmd)
{
	bool mtu = cmd->arg[SLOT_NUM].w;

	/* `no … mtu N` takes the length back, not the fragments. */
	p->c->frag = (struct fragmentation){ .off = cmd->no && !cmd->to_default && !mtu };
	if (cmd->no || !mtu)
		return;
	p->c->frag.mtu = (uint16_t)cmd->arg[SLOT_NUM].num;
	if (p->c->frag.mtu < FRAG_MTU_USEFUL)
		parser_warn(p, cmd_arg_pos(cmd, SLOT_NUM),
			    conf_text("fragments of %u bytes are hardly more than their headers",
				      p->c->frag.mtu),
			    conf_text("576 is what every IPv4 path carries"));
}

void cmd_global_lifetime_kb(struct parser *p, const struct cmd *cmd)
{
	if (cmd->no)
		p->c->child_lifetime_kb = CHILD_LIFETIME_KB;
	else
		p->c->child_lifetime_kb = cmd->flags & F_DISABLE ? 0 : cmd->arg[SLOT_NUM].num;
}

void cmd_limit_half_open(struct parser *p, const struct cmd *cmd)
{
	p->c->limits.half_open = cmd->no ? 0 : (uint32_t)cmd->arg[SLOT_NUM].num;
}

void cmd_limit_sas(struct parser *p, const struct cmd *cmd)
{
	p->c->limits.sas = cmd->no ? 0 : (uint32_t)cmd->arg[SLOT_NUM].num;
}

void cmd_cookie_challenge(struct parser *p, const struct cmd *cmd)
{
	p->c->limits.cookies = cmd->no ? 0 : (uint32_t)cmd->arg[SLOT_NUM].num;
}

void cmd_hostname(struct parser *p, const struct cmd *cmd)
{
	*p->c->hostname = '\0';
	if (!cmd->no)
		word_copy(cmd->arg[SLOT_NAME].w, p->c->hostname, sizeof(p->c->hostname));
}

/* ---- dead peer detection ---- */

#define KEEPALIVE_RETRY_DEFAULT 2 /* s, §3.1 */

static struct dpd dpd_read(const struct cmd *cmd, uint32_t retry_default)
{
	uint32_t unit = cmd->flags & F_MILLIS ? 1 : 1000;
	uint32_t retry = cmd->arg[SLOT_NUM2].w ? (uint32_t)cmd->arg[SLOT_NUM2].num : retry_default;

	return (struct dpd){
		.mode = cmd->flags & F_PERIODIC ? DPD_PERIODIC : DPD_ON_DEMAND,
		.interval_ms = (uint32_t)cmd->arg[SLOT_NUM].num * unit,
		.retry_ms = retry * unit,
		.strict = cmd->flags & F_STRICT,
		.fixed = cmd->flags & F_FIXED,
		.millis = cmd->flags & F_MILLIS,
		.pos = cmd_pos(cmd),
	};
}

/* Of a profile, or of all that say nothing else. */
void cmd_dpd(struct parser *p, const struct cmd *cmd)
{
	struct ikev2_profile *f = parser_frame(p)->profile;
	struct dpd *d = f ? &f->dpd : &p->ikev2;

	*d = cmd->no ? (struct dpd){ 0 } : dpd_read(cmd, 0);
}

void cmd_keepalive(struct parser *p, const struct cmd *cmd)
{
	p->keepalive = (struct dpd){0};
	if (cmd->no)
		return;
	p->keepalive = dpd_read(cmd, KEEPALIVE_RETRY_DEFAULT);
	p->keepalive.keepalive = true;
}
