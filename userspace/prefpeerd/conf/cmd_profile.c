// SPDX-License-Identifier: GPL-2.0-or-later
/* `crypto ikev2 profile`: how both sides prove who they are, and who they may be. */
#include "prefpeerd/conf/parser.h"

#include <stdlib.h>
#include <string.h>

struct ikev2_profile *conf_find_profile(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->n_profiles; i++)
		if (!strcmp(c->profiles[i]->name, name))
			return c->profiles[i];
	return NULL;
}

void conf_profile_free(struct ikev2_profile *f)
{
	free(f->remotes);
	free(f->description);
	free(f);
}

void cmd_profile(struct parser *p, const struct cmd *cmd)
{
	char name[CONF_NAME_MAX + 1];
	struct ikev2_profile *f, **slot;

	word_copy(cmd->arg[SLOT_NAME].w, name, sizeof(name));
	f = conf_find_profile(p->c, name);
	if (!f) {
		slot = PARSER_GROW(p, p->c->profiles, p->c->n_profiles);
		f = slot ? parser_alloc(p, sizeof(*f)) : NULL;
		if (!f)
			return;
		*slot = f;
		p->c->n_profiles++;
		strcpy(f->name, name);
		f->pos = cmd_arg_pos(cmd, SLOT_NAME);
	}
	parser_enter(p, MODE_PROFILE)->profile = f;
}

void cmd_no_profile(struct parser *p, const struct cmd *cmd)
{
	struct config *c = p->c;

	for (unsigned i = 0; i < c->n_profiles; i++) {
		if (!word_equals(cmd->arg[SLOT_NAME].w, c->profiles[i]->name))
			continue;
		conf_profile_free(c->profiles[i]);
		c->n_profiles--;
		memmove(&c->profiles[i], &c->profiles[i + 1],
			(c->n_profiles - i) * sizeof(*c->profiles));
		return;
	}
	parser_nothing_to_remove(p, cmd);
}

/* ---- identities ---- */

static bool rule_equal(const struct ike_id_rule *a, const struct ike_id_rule *b)
{
	return a->domain == b->domain && ike_id_equal(&a->id, &b->id);
}

static unsigned rule_find(const struct ikev2_profile *f, const struct ike_id_rule *r)
{
	unsigned i = 0;

	while (i < f->n_remotes && !rule_equal(&f->remotes[i], r))
		i++;
	return i;
}

/* A mask that means one address says nothing more. */
static bool mask_ok(struct parser *p, const struct cmd *cmd)
{
	const struct arg *m = &cmd->arg[SLOT_SRC_WILD];

	if (!m->w || m->addr.v4.s_addr == INADDR_BROADCAST)
		return true;
	parser_error(p, cmd_arg_pos(cmd, SLOT_SRC_WILD),
		     conf_text("an identity is one address: networks are not supported"),
		     conf_text("leave the mask out, or write 255.255.255.255"));
	return false;
}

void cmd_match_identity(struct parser *p, const struct cmd *cmd)
{
	struct ikev2_profile *f = parser_frame(p)->profile;
	struct ike_id_rule r = { .domain = cmd->flags & F_DOMAIN }, *slot;
	unsigned at;

	if (!mask_ok(p, cmd) || !conf_identity(p, cmd, &r.id))
		return;
	at = rule_find(f, &r);
	if (cmd->no && at == f->n_remotes) {
		parser_nothing_to_remove(p, cmd);
	} else if (cmd->no) {
		f->n_remotes--;
		memmove(&f->remotes[at], &f->remotes[at + 1],
			(f->n_remotes - at) * sizeof(*f->remotes));
	} else if (at == f->n_remotes) {
		slot = PARSER_GROW(p, f->remotes, f->n_remotes);
		if (!slot)
			return;
		*slot = r;
		f->n_remotes++;
	}
}

/* Of 86400, the default, nothing is kept: it is not printed either. */
void cmd_profile_lifetime(struct parser *p, const struct cmd *cmd)
{
	uint32_t s = cmd->no ? IKE_LIFETIME_S : (uint32_t)cmd->arg[SLOT_NUM].num;

	parser_frame(p)->profile->lifetime_s = s == IKE_LIFETIME_S ? 0 : s;
}

void cmd_identity_local(struct parser *p, const struct cmd *cmd)
{
	struct ikev2_profile *f = parser_frame(p)->profile;
	struct ike_id id = { 0 };
	bool dn = cmd->flags & F_DN;

	if (!cmd->no && !dn && !conf_identity(p, cmd, &id))
		return;
	f->local = id;
	f->local_dn = dn && !cmd->no;
	f->local_pos = cmd_pos(cmd);
}

/* ---- authentication ---- */

static unsigned method_of(const struct cmd *cmd)
{
	return cmd->flags & F_RSA   ? PKI_RSA :
	       cmd->flags & F_ECDSA ? PKI_ECDSA :
	       cmd->flags & F_EDDSA ? PKI_EDDSA :
				      AUTH_BY_PSK;
}

/* One way only for ourselves; the peer may have several. */
void cmd_auth_local(struct parser *p, const struct cmd *cmd)
{
	struct ikev2_profile *f = parser_frame(p)->profile;

	f->auth_local = cmd->no ? 0 : method_of(cmd);
	f->pkcs1 = !cmd->no && cmd->flags & F_PKCS1;
	f->auth_local_pos = cmd_pos(cmd);
}

void cmd_auth_remote(struct parser *p, const struct cmd *cmd)
{
	struct ikev2_profile *f = parser_frame(p)->profile;
	bool named = cmd->flags & (F_RSA | F_ECDSA | F_EDDSA | F_PSK);

	if (cmd->no)
		f->auth_remote &= named ? ~method_of(cmd) : 0;
	else
		f->auth_remote |= method_of(cmd);
}

void cmd_profile_keyring(struct parser *p, const struct cmd *cmd)
{
	struct ikev2_profile *f = parser_frame(p)->profile;

	*f->keyring = '\0';
	if (cmd->no)
		return;
	word_copy(cmd->arg[SLOT_NAME].w, f->keyring, sizeof(f->keyring));
	f->keyring_pos = cmd_arg_pos(cmd, SLOT_NAME);
}

void cmd_profile_trustpoint(struct parser *p, const struct cmd *cmd)
{
	struct ikev2_profile *f = parser_frame(p)->profile;
	const struct word *w = cmd->arg[SLOT_NAME].w;
	unsigned at = 0;

	while (at < f->n_uses && !word_equals(w, f->uses[at].name))
		at++;
	if (cmd->no && at < f->n_uses) {
		f->n_uses--;
		memmove(&f->uses[at], &f->uses[at + 1], (f->n_uses - at) * sizeof(*f->uses));
		return;
	}
	if (cmd->no) {
		parser_nothing_to_remove(p, cmd);
		return;
	}
	if (at == PKI_TRUST_MAX) {
		parser_error(p, cmd_arg_pos(cmd, SLOT_NAME),
			     conf_text("at most %u trustpoints are possible", PKI_TRUST_MAX), NULL);
		return;
	}
	f->uses[at] = (struct trust_use){
		.sign = !(cmd->flags & F_VERIFY),
		.verify = !(cmd->flags & F_SIGN),
		.pos = cmd_arg_pos(cmd, SLOT_NAME),
	};
	word_copy(w, f->uses[at].name, sizeof(f->uses[at].name));
	f->n_uses += at == f->n_uses;
}

/* ---- when the whole file is read ---- */

static bool keyring_exists(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->n_psks; i++)
		if (!strcmp(c->psks[i].keyring, name))
			return true;
	return false;
}

static void resolve_uses(struct parser *p, struct ikev2_profile *f)
{
	for (unsigned i = 0; i < f->n_uses; i++) {
		f->uses[i].trustpoint = conf_find_trustpoint(p->c, f->uses[i].name);
		if (!f->uses[i].trustpoint && !p->failed[MODE_TRUSTPOINT])
			parser_error(p, f->uses[i].pos,
				     conf_text("trustpoint %s does not exist", f->uses[i].name),
				     NULL);
	}
}

const struct trustpoint *conf_profile_signer(const struct ikev2_profile *f)
{
	for (unsigned i = 0; i < f->n_uses; i++)
		if (f->uses[i].sign && f->uses[i].trustpoint && f->uses[i].trustpoint->cert.path)
			return f->uses[i].trustpoint;
	return NULL;
}

static bool can_verify(const struct ikev2_profile *f)
{
	for (unsigned i = 0; i < f->n_uses; i++)
		if (f->uses[i].verify && f->uses[i].trustpoint && f->uses[i].trustpoint->ca.path)
			return true;
	return false;
}

static bool uses_known(const struct ikev2_profile *f)
{
	for (unsigned i = 0; i < f->n_uses; i++)
		if (!f->uses[i].trustpoint)
			return false;
	return true;
}

static void check_means(struct parser *p, const struct ikev2_profile *f)
{
	unsigned local = f->auth_local & ~AUTH_BY_PSK, remote = f->auth_remote & ~AUTH_BY_PSK;

	if (!f->auth_local || !f->auth_remote)
		parser_incomplete(p, f->pos,
			     conf_text("IKEv2 profile %s has no `authentication %s`", f->name,
				       f->auth_local ? "remote" : "local"),
			     conf_text("pre-share, rsa-sig, ecdsa-sig or eddsa-sig"));
	if (!uses_known(f))
		return;
	if (local && !conf_profile_signer(f))
		parser_incomplete(p, f->auth_local_pos,
			     conf_text("we cannot sign: no `pki trustpoint` of this profile has a certificate file"),
			     NULL);
	if (remote && !can_verify(f))
		parser_incomplete(p, f->pos,
			     conf_text("IKEv2 profile %s cannot verify a peer: no `pki trustpoint` of it has a ca file",
				       f->name),
			     NULL);
	if (f->local_dn && !local)
		parser_incomplete(p, f->local_pos,
			     conf_text("`identity local dn` is the subject of our certificate, and this profile has none"),
			     NULL);
}

void conf_check_profile(struct parser *p, struct ikev2_profile *f)
{
	resolve_uses(p, f);
	conf_check_cert_map(p, f);
	check_means(p, f);
	if (*f->keyring && !keyring_exists(p->c, f->keyring) && !p->failed[MODE_KEYRING] &&
	    !p->failed[MODE_KEYRING_PEER])
		parser_error(p, f->keyring_pos, conf_text("keyring %s does not exist", f->keyring),
			     NULL);
}
