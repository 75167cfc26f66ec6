// SPDX-License-Identifier: GPL-2.0-or-later
/* `crypto pki trustpoint`: which files hold CAs, our certificate, its key, and CRLs. */
#include "prefpeerd/conf/parser.h"

#include <stdlib.h>
#include <string.h>

struct trustpoint *conf_find_trustpoint(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->n_trustpoints; i++)
		if (!strcmp(c->trustpoints[i]->name, name))
			return c->trustpoints[i];
	return NULL;
}

void conf_trustpoint_free(struct trustpoint *t)
{
	free(t->ca.path);
	free(t->cert.path);
	free(t->key.path);
	free(t->crl.path);
	free(t->broken);
	pki_own_put(t->own);
	pki_trust_put(t->trust);
	free(t);
}

void cmd_trustpoint(struct parser *p, const struct cmd *cmd)
{
	char name[CONF_NAME_MAX + 1];
	struct trustpoint *t, **slot;

	word_copy(cmd->arg[SLOT_NAME].w, name, sizeof(name));
	t = conf_find_trustpoint(p->c, name);
	if (!t) {
		slot = PARSER_GROW(p, p->c->trustpoints, p->c->n_trustpoints);
		t = slot ? parser_alloc(p, sizeof(*t)) : NULL;
		if (!t)
			return;
		*slot = t;
		p->c->n_trustpoints++;
		strcpy(t->name, name);
		t->pos = cmd_arg_pos(cmd, SLOT_NAME);
	}
	parser_enter(p, MODE_TRUSTPOINT)->trustpoint = t;
}

void cmd_no_trustpoint(struct parser *p, const struct cmd *cmd)
{
	struct config *c = p->c;

	for (unsigned i = 0; i < c->n_trustpoints; i++) {
		if (!word_equals(cmd->arg[SLOT_NAME].w, c->trustpoints[i]->name))
			continue;
		conf_trustpoint_free(c->trustpoints[i]);
		c->n_trustpoints--;
		memmove(&c->trustpoints[i], &c->trustpoints[i + 1],
			(c->n_trustpoints - i) * sizeof(*c->trustpoints));
		return;
	}
	parser_nothing_to_remove(p, cmd);
}

static bool word_begins(const struct word *w, const char *with)
{
	size_t len = strlen(with);

	return w->len >= len && !memcmp(w->s, with, len);
}

static void set_file(struct parser *p, const struct cmd *cmd, struct conf_file *f)
{
	const struct word *w = cmd->arg[SLOT_TEXT].w;

	if (cmd->no && !f->path) {
		parser_nothing_to_remove(p, cmd);
		return;
	}
	if (!cmd->no && word_begins(w, "pkcs11:")) {
		parser_error(p, cmd_arg_pos(cmd, SLOT_TEXT),
			     conf_text("keys and certificates on tokens (PKCS #11) are not supported"),
			     conf_text("an absolute path; the process that signs keeps the key from all others"));
		return;
	}
	if (!cmd->no && *w->s != '/') {
		parser_error(p, cmd_arg_pos(cmd, SLOT_TEXT),
			     conf_text("%.*s is not an absolute path", (int)w->len, w->s), NULL);
		return;
	}
	free(f->path);
	f->path = cmd->no ? NULL : parser_strdup(p, w->s, w->len);
	if (!cmd->no)
		f->pos = cmd_arg_pos(cmd, SLOT_TEXT);
}

void cmd_ca_file(struct parser *p, const struct cmd *cmd)
{
	set_file(p, cmd, &parser_frame(p)->trustpoint->ca);
}

void cmd_cert_file(struct parser *p, const struct cmd *cmd)
{
	set_file(p, cmd, &parser_frame(p)->trustpoint->cert);
}

void cmd_key_file(struct parser *p, const struct cmd *cmd)
{
	set_file(p, cmd, &parser_frame(p)->trustpoint->key);
}

void cmd_crl_file(struct parser *p, const struct cmd *cmd)
{
	set_file(p, cmd, &parser_frame(p)->trustpoint->crl);
}

void cmd_revocation(struct parser *p, const struct cmd *cmd)
{
	struct trustpoint *t = parser_frame(p)->trustpoint;

	t->revocation = cmd->no		       ? REVOCATION_UNSET :
			cmd->flags & F_DEFAULT ? REVOCATION_NONE :
						 REVOCATION_CRL;
	t->revocation_pos = cmd_pos(cmd);
}

/* ---- when the whole file is read ---- */

static void check_own(struct parser *p, const struct trustpoint *t)
{
	if (!t->cert.path == !t->key.path)
		return;
	parser_incomplete(p, t->cert.path ? t->cert.pos : t->key.pos,
		     conf_text("trustpoint %s has a %s file and no %s file", t->name,
			       t->cert.path ? "certificate" : "key",
			       t->cert.path ? "key" : "certificate"),
		     NULL);
}

void conf_check_trustpoint(struct parser *p, const struct trustpoint *t)
{
	if (!t->ca.path && !t->cert.path && !t->key.path)
		parser_incomplete(p, t->pos, conf_text("trustpoint %s names no file", t->name),
			     conf_text("`ca file` says whom to trust, `certificate file` and `key file` who we are"));
	check_own(p, t);
	if (t->revocation == REVOCATION_CRL && !t->crl.path)
		parser_incomplete(p, t->revocation_pos,
			     conf_text("`revocation-check crl` needs a `crl file`: nothing is fetched"),
			     NULL);
	if (t->revocation == REVOCATION_NONE && t->crl.path)
		parser_warn(p, t->revocation_pos,
			    conf_text("`revocation-check none`: the `crl file` is not looked at"),
			    NULL);
	if (t->crl.path && !t->ca.path)
		parser_warn(p, t->crl.pos, conf_text("without a `ca file` there is nobody to revoke"),
			    NULL);
}
