// SPDX-License-Identifier: GPL-2.0-or-later
/* What is negotiated for IKE SAs: `crypto ikev2 proposal` and `crypto ikev2 policy`, as in IOS. */
#include "prefpeerd/conf/parser.h"

#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

struct choice {
	const char *word;
	int id;
	uint16_t key_bits;
	const char *strong; /* too weak to be used, and what to use */
};

static const struct choice ciphers[] = {
	{ "aes-gcm-256", ENCR_AES_GCM_16, 256, NULL },
	{ "aes-gcm-192", ENCR_AES_GCM_16, 192, NULL },
	{ "aes-gcm-128", ENCR_AES_GCM_16, 128, NULL },
	{ "chacha20-poly1305", ENCR_CHACHA20_POLY1305, 0, NULL },
	{ "aes-cbc-256", ENCR_AES_CBC, 256, NULL },
	{ "aes-cbc-192", ENCR_AES_CBC, 192, NULL },
	{ "aes-cbc-128", ENCR_AES_CBC, 128, NULL },
	{ "3des", 0, 0, "aes-gcm-256" },
	{ "des", 0, 0, "aes-gcm-256" },
	{ NULL, 0, 0, NULL },
};

static const struct choice integrities[] = {
	{ "sha256", INTEG_HMAC_SHA2_256_128, 0, NULL },
	{ "sha384", INTEG_HMAC_SHA2_384_192, 0, NULL },
	{ "sha512", INTEG_HMAC_SHA2_512_256, 0, NULL },
	{ "sha1", 0, 0, "sha256" },
	{ "md5", 0, 0, "sha256" },
	{ NULL, 0, 0, NULL },
};

static const struct choice prfs[] = {
	{ "sha256", PRF_HMAC_SHA2_256, 0, NULL },
	{ "sha384", PRF_HMAC_SHA2_384, 0, NULL },
	{ "sha512", PRF_HMAC_SHA2_512, 0, NULL },
	{ "sha1", 0, 0, "sha256" },
	{ "md5", 0, 0, "sha256" },
	{ NULL, 0, 0, NULL },
};

static const struct choice groups[] = {
	{ "31", DH_X25519, 0, NULL },	 { "19", DH_ECP_256, 0, NULL },
	{ "20", DH_ECP_384, 0, NULL },	 { "21", DH_ECP_521, 0, NULL },
	{ "32", DH_X448, 0, NULL },	 { "14", DH_MODP_2048, 0, NULL },
	{ "15", DH_MODP_3072, 0, NULL }, { "16", DH_MODP_4096, 0, NULL },
	{ "1", 0, 0, "31 or 19" },	 { "2", 0, 0, "31 or 19" },
	{ "5", 0, 0, "31 or 19" },	 { "22", 0, 0, "31 or 19" },
	{ "23", 0, 0, "31 or 19" },	 { "24", 0, 0, "31 or 19" },
	{ NULL, 0, 0, NULL },
};

static const struct choice *find(const struct choice *tab, const struct word *w)
{
	for (; tab->word; tab++)
		if (word_is(w, tab->word))
			return tab;
	return NULL;
}

static const char *word_of(const struct choice *tab, const struct ike_word *w)
{
	for (; tab->word; tab++)
		if (!tab->strong && tab->id == w->id && tab->key_bits == w->key_bits)
			return tab->word;
	return "?";
}

/* "aes-gcm-256, aes-gcm-192, …": the strong ones. */
static char *all_words(const struct choice *tab)
{
	char buf[256] = "";
	size_t at = 0;

	for (; tab->word; tab++)
		if (!tab->strong && at < sizeof(buf))
			at += (size_t)snprintf(buf + at, sizeof(buf) - at, "%s%s", at ? ", " : "",
					       tab->word);
	return conf_text("possible are: %s", buf);
}

static bool take_word(struct parser *p, const struct cmd *cmd, const struct word *w,
		      const struct choice *tab, const char *what, struct ike_word *out)
{
	const struct choice *c = find(tab, w);
	struct conf_pos pos = conf_pos_word(cmd->line, w);

	if (!c)
		parser_error(p, pos, conf_text("%.*s is no %s", (int)w->len, w->s, what),
			     all_words(tab));
	else if (c->strong)
		parser_error(p, pos, conf_text("%s %s is too weak to be used", what, c->word),
			     conf_text("use %s", c->strong));
	else
		*out = (struct ike_word){ c->id, c->key_bits };
	return c && !c->strong;
}

/* False: one was refused; what is missing then is not missed a second time. */
static bool take_words(struct parser *p, const struct cmd *cmd, const struct choice *tab,
		       const char *what, struct ike_word *list, unsigned *n)
{
	*n = 0;
	for (unsigned i = 0; i < cmd->n_list && !cmd->no; i++) {
		if (!take_word(p, cmd, cmd->list[i], tab, what, &list[i]))
			return false;
		for (unsigned k = 0; k < i; k++)
			if (list[k].id == list[i].id && list[k].key_bits == list[i].key_bits) {
				parser_error(p, conf_pos_word(cmd->line, cmd->list[i]),
					     conf_text("%s %s is named twice", what,
						       word_of(tab, &list[i])),
					     NULL);
				return false;
			}
		++*n;
	}
	return true;
}

/* ---- proposals ---- */

static struct ike_proposal *proposal_find(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->n_proposals; i++)
		if (!strcmp(c->proposals[i]->name, name))
			return c->proposals[i];
	return NULL;
}

void cmd_proposal(struct parser *p, const struct cmd *cmd)
{
	struct ike_proposal *it, **slot;
	char name[CONF_NAME_MAX + 1];

	word_copy(cmd->arg[SLOT_NAME].w, name, sizeof(name));
	it = proposal_find(p->c, name);
	if (!it) {
		slot = PARSER_GROW(p, p->c->proposals, p->c->n_proposals);
		it = slot ? parser_alloc(p, sizeof(*it)) : NULL;
		if (!it)
			return;
		*slot = it;
		p->c->n_proposals++;
		strcpy(it->name, name);
	}
	it->pos = cmd_arg_pos(cmd, SLOT_NAME);
	parser_enter(p, MODE_PROPOSAL)->proposal = it;
}

void cmd_no_proposal(struct parser *p, const struct cmd *cmd)
{
	struct config *c = p->c;

	for (unsigned i = 0; i < c->n_proposals; i++) {
		if (!word_equals(cmd->arg[SLOT_NAME].w, c->proposals[i]->name))
			continue;
		free(c->proposals[i]);
		c->n_proposals--;
		memmove(&c->proposals[i], &c->proposals[i + 1],
			(c->n_proposals - i) * sizeof(*c->proposals));
		return;
	}
	parser_nothing_to_remove(p, cmd);
}

void cmd_encryption(struct parser *p, const struct cmd *cmd)
{
	struct ike_proposal *it = parser_frame(p)->proposal;

	it->refused |= !take_words(p, cmd, ciphers, "cipher", it->encr, &it->n_encr);
}

void cmd_integrity(struct parser *p, const struct cmd *cmd)
{
	struct ike_proposal *it = parser_frame(p)->proposal;

	it->refused |= !take_words(p, cmd, integrities, "hash", it->integ, &it->n_integ);
}

void cmd_prf(struct parser *p, const struct cmd *cmd)
{
	struct ike_proposal *it = parser_frame(p)->proposal;

	it->refused |= !take_words(p, cmd, prfs, "hash", it->prf, &it->n_prf);
}

void cmd_group(struct parser *p, const struct cmd *cmd)
{
	struct ike_proposal *it = parser_frame(p)->proposal;

	it->refused |= !take_words(p, cmd, groups, "group", it->group, &it->n_group);
}

/* ---- policies ---- */

void cmd_policy(struct parser *p, const struct cmd *cmd)
{
	struct ike_policy *it = NULL, **slot;

	for (unsigned i = 0; i < p->c->n_policies; i++)
		if (word_equals(cmd->arg[SLOT_NAME].w, p->c->policies[i]->name))
			it = p->c->policies[i];
	if (!it) {
		slot = PARSER_GROW(p, p->c->policies, p->c->n_policies);
		it = slot ? parser_alloc(p, sizeof(*it)) : NULL;
		if (!it)
			return;
		*slot = it;
		p->c->n_policies++;
		word_copy(cmd->arg[SLOT_NAME].w, it->name, sizeof(it->name));
	}
	it->pos = cmd_arg_pos(cmd, SLOT_NAME);
	parser_enter(p, MODE_POLICY)->policy = it;
}

void cmd_no_policy(struct parser *p, const struct cmd *cmd)
{
	struct config *c = p->c;

	for (unsigned i = 0; i < c->n_policies; i++) {
		if (!word_equals(cmd->arg[SLOT_NAME].w, c->policies[i]->name))
			continue;
		free(c->policies[i]);
		c->n_policies--;
		memmove(&c->policies[i], &c->policies[i + 1],
			(c->n_policies - i) * sizeof(*c->policies));
		return;
	}
	parser_nothing_to_remove(p, cmd);
}

void cmd_policy_local(struct parser *p, const struct cmd *cmd)
{
	struct ike_policy *it = parser_frame(p)->policy;
	const struct addr *a = &cmd->arg[SLOT_SRC].addr;
	unsigned at = 0;

	while (at < it->n_locals && !addr_equal(&it->locals[at], a))
		at++;
	if (cmd->no && at < it->n_locals) {
		it->n_locals--;
		memmove(&it->locals[at], &it->locals[at + 1],
			(it->n_locals - at) * sizeof(*it->locals));
	} else if (cmd->no) {
		parser_nothing_to_remove(p, cmd);
	} else if (at == POLICY_LOCALS_MAX) {
		parser_error(p, cmd_arg_pos(cmd, SLOT_SRC),
			     conf_text("a policy is for up to %u local addresses",
				       POLICY_LOCALS_MAX), NULL);
	} else if (at == it->n_locals) {
		it->locals[it->n_locals++] = *a;
	}
}

/* One a line as in IOS, or several. */
void cmd_policy_proposal(struct parser *p, const struct cmd *cmd)
{
	struct ike_policy *it = parser_frame(p)->policy;

	if (cmd->no)
		it->n_proposals = 0;
	for (unsigned i = 0; i < cmd->n_list && !cmd->no; i++) {
		if (it->n_proposals == POLICY_PROPOSALS_MAX) {
			parser_error(p, conf_pos_word(cmd->line, cmd->list[i]),
				     conf_text("a policy has up to %u proposals",
					       POLICY_PROPOSALS_MAX),
				     NULL);
			return;
		}
		word_copy(cmd->list[i], it->proposals[it->n_proposals], CONF_NAME_MAX + 1);
		it->proposal_pos[it->n_proposals++] = conf_pos_word(cmd->line, cmd->list[i]);
	}
}

/* ---- the whole ---- */

static bool has_kind(const struct ike_proposal *it, bool cbc)
{
	for (unsigned i = 0; i < it->n_encr; i++)
		if ((it->encr[i].id == ENCR_AES_CBC) == cbc)
			return true;
	return false;
}

static void check_proposal(struct parser *p, const struct ike_proposal *it)
{
	if (it->refused)
		return;
	if (!it->n_encr)
		parser_incomplete(p, it->pos, conf_text("proposal %s has no encryption", it->name),
			     conf_text("`encryption aes-gcm-256`"));
	else if (!it->n_group)
		parser_incomplete(p, it->pos, conf_text("proposal %s has no group", it->name),
			     conf_text("`group 31`"));
	else if (has_kind(it, true) && !it->n_integ)
		parser_incomplete(p, it->pos, conf_text("proposal %s has aes-cbc and no integrity", it->name),
			     conf_text("`integrity sha256`"));
	else if (!it->n_prf && !it->n_integ)
		parser_incomplete(p, it->pos, conf_text("proposal %s has no prf", it->name),
			     conf_text("`prf sha256`"));
	if (!has_kind(it, true) && it->n_integ && it->n_encr)
		parser_warn(p, it->pos,
			    conf_text("proposal %s: its ciphers need no integrity of their own, which is used for prf only",
				      it->name),
			    conf_text("`prf`, and no `integrity`"));
}

/* Each cipher that needs it with each integrity. */
static void fill_ciphers(const struct ike_proposal *it, struct ike_offer *o)
{
	unsigned n = 0;

	for (unsigned i = 0; i < it->n_encr; i++) {
		struct ike_cipher c = { it->encr[i].id, it->encr[i].key_bits, INTEG_NONE };

		if (c.encr != ENCR_AES_CBC) {
			o->ciphers[n++] = c;
			continue;
		}
		for (unsigned k = 0; k < it->n_integ; k++) {
			c.integ = it->integ[k].id;
			o->ciphers[n++] = c;
		}
	}
}

static enum ike_prf prf_of(enum ike_integ integ)
{
	switch (integ) {
	case INTEG_HMAC_SHA2_384_192:
		return PRF_HMAC_SHA2_384;
	case INTEG_HMAC_SHA2_512_256:
		return PRF_HMAC_SHA2_512;
	default:
		return PRF_HMAC_SHA2_256;
	}
}

static void fill_offer(const struct ike_proposal *it, struct ike_offer *o)
{
	fill_ciphers(it, o);
	for (unsigned i = 0; i < it->n_prf; i++)
		o->prfs[i] = it->prf[i].id;
	for (unsigned i = 0; i < it->n_integ && !it->n_prf; i++)
		o->prfs[i] = prf_of(it->integ[i].id);
	for (unsigned i = 0; i < it->n_group; i++)
		o->groups[i] = it->group[i].id;
}

/* Where the suites for that local address are collected; NULL: no memory. */
static struct ike_offer **local_offer(struct parser *p, const struct addr *local)
{
	struct config *c = p->c;
	struct ike_local_offer *slot;

	for (unsigned i = 0; i < c->n_local_offers; i++)
		if (addr_equal(&c->local_offers[i].local, local))
			return &c->local_offers[i].offer;
	slot = PARSER_GROW(p, c->local_offers, c->n_local_offers);
	if (!slot)
		return NULL;
	c->n_local_offers++;
	slot->local = *local;
	return &slot->offer;
}

static bool offers_already(const struct ike_offer *o, const struct ike_proposal *it)
{
	for (; o; o = o->next)
		if (o->of == it)
			return true;
	return false;
}

static void append(struct parser *p, struct ike_proposal *it, struct ike_offer **end)
{
	struct ike_offer *o;

	if (!end || offers_already(*end, it))
		return;
	o = parser_alloc(p, sizeof(*o));

	if (!o)
		return;
	fill_offer(it, o);
	o->of = it;
	it->used = true;
	while (*end)
		end = (struct ike_offer **)&(*end)->next;
	*end = o;
}

static void check_policy(struct parser *p, const struct ike_policy *it)
{
	if (!it->n_proposals)
		parser_incomplete(p, it->pos, conf_text("policy %s has no proposal", it->name), NULL);
	for (unsigned i = 0; i < it->n_proposals; i++) {
		struct ike_proposal *pr = proposal_find(p->c, it->proposals[i]);

		if (!pr && !p->failed[MODE_PROPOSAL])
			parser_error(p, it->proposal_pos[i],
				     conf_text("there is no proposal %s", it->proposals[i]),
				     conf_text("`crypto ikev2 proposal %s` makes one",
					       it->proposals[i]));
		else if (pr && !it->n_locals)
			append(p, pr, &p->c->offer);
		for (unsigned k = 0; pr && k < it->n_locals; k++)
			append(p, pr, local_offer(p, &it->locals[k]));
	}
}

void check_policies(struct parser *p)
{
	struct config *c = p->c;

	for (unsigned i = 0; i < c->n_proposals; i++)
		check_proposal(p, c->proposals[i]);
	for (unsigned i = 0; i < c->n_policies; i++)
		check_policy(p, c->policies[i]);
	for (unsigned i = 0; i < c->n_proposals; i++)
		if (!c->proposals[i]->used && !p->d->n_errors)
			parser_warn(p, c->proposals[i]->pos,
				    conf_text("proposal %s is in no policy: it is not offered",
					      c->proposals[i]->name),
				    conf_text("`crypto ikev2 policy NAME`, and below it `proposal %s`",
					      c->proposals[i]->name));
}

void conf_offer_free(struct ike_offer *o)
{
	while (o) {
		struct ike_offer *next = (struct ike_offer *)o->next;

		free(o);
		o = next;
	}
}

/* ---- printed ---- */

static void print_words(const char *what, const struct choice *tab, const struct ike_word *list,
			unsigned n, FILE *out)
{
	if (!n)
		return;
	fprintf(out, " %s", what);
	for (unsigned i = 0; i < n; i++)
		fprintf(out, " %s", word_of(tab, &list[i]));
	fputc('\n', out);
}

void print_ikev2(const struct config *c, FILE *out)
{
	for (unsigned i = 0; i < c->n_proposals; i++) {
		const struct ike_proposal *it = c->proposals[i];

		fprintf(out, "crypto ikev2 proposal %s\n", it->name);
		print_words("encryption", ciphers, it->encr, it->n_encr, out);
		print_words("integrity", integrities, it->integ, it->n_integ, out);
		print_words("prf", prfs, it->prf, it->n_prf, out);
		print_words("group", groups, it->group, it->n_group, out);
	}
	for (unsigned i = 0; i < c->n_policies; i++) {
		fprintf(out, "crypto ikev2 policy %s\n", c->policies[i]->name);
		for (unsigned k = 0; k < c->policies[i]->n_locals; k++) {
			char buf[ADDR_STRLEN];

			fprintf(out, " match address local %s\n",
				addr_print(&c->policies[i]->locals[k], buf, sizeof(buf)));
		}
		for (unsigned k = 0; k < c->policies[i]->n_proposals; k++)
			fprintf(out, " proposal %s\n", c->policies[i]->proposals[k]);
	}
}
