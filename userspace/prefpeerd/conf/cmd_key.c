// SPDX-License-Identifier: GPL-2.0-or-later
/* Pre-shared keys; semantics.md §14.5. */
#include "prefpeerd/conf/parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The peers that `A [MASK]`, `A/LEN` or `A` means. */
static bool peer_prefix(struct parser *p, const struct cmd *cmd, struct prefix *out)
{
	const struct arg *a = &cmd->arg[SLOT_SRC], *m = &cmd->arg[SLOT_SRC_WILD];
	uint32_t host;

	*out = a->prefix;
	if (!m->w)
		return true;
	host = ~ntohl(m->addr.v4.s_addr);
	if (a->addr.family != AF_INET || host & (host + 1)) {
		parser_error(p, cmd_arg_pos(cmd, SLOT_SRC_WILD),
			     conf_text("%.*s is no network mask of %.*s", (int)m->w->len, m->w->s,
				       (int)a->w->len, a->w->s),
			     conf_text("a mask is written as 255.255.255.0"));
		return false;
	}
	for (out->len = 32; host; host >>= 1)
		out->len--;
	out->addr.v4.s_addr &= m->addr.v4.s_addr;
	return true;
}

static void psk_remove(struct config *c, unsigned i)
{
	conf_psk_wipe(&c->psks[i]);
	c->n_psks--;
	memmove(&c->psks[i], &c->psks[i + 1], (c->n_psks - i) * sizeof(*c->psks));
	explicit_bzero(&c->psks[c->n_psks], sizeof(*c->psks));
}

/* Whose key a line is about: a peer's by name, or those within a prefix. */
struct whose {
	const struct word *host;
	struct prefix peer;
};

static bool read_whose(struct parser *p, const struct cmd *cmd, struct whose *out)
{
	*out = (struct whose){ .host = cmd->arg[SLOT_NAME].w };
	return out->host || peer_prefix(p, cmd, &out->peer);
}

static struct psk *isakmp_find(const struct config *c, const struct whose *of)
{
	for (unsigned i = 0; i < c->n_psks; i++) {
		struct psk *k = &c->psks[i];

		if (*k->keyring || !k->host != !of->host)
			continue;
		if (of->host ? word_is(of->host, k->host) : prefix_equal(&k->peer, &of->peer))
			return k;
	}
	return NULL;
}

void cmd_isakmp_key(struct parser *p, const struct cmd *cmd)
{
	struct whose of;
	struct psk *k;

	if (!read_whose(p, cmd, &of))
		return;
	k = isakmp_find(p->c, &of);
	if (!k) {
		k = PARSER_GROW(p, p->c->psks, p->c->n_psks);
		if (!k)
			return;
		p->c->n_psks++;
	}
	if (of.host && !k->host)
		k->host = parser_strdup(p, of.host->s, of.host->len);
	k->peer = of.peer;
	k->pos = cmd_arg_pos(cmd, of.host ? SLOT_NAME : SLOT_SRC);
	conf_secret_set(p, cmd, &k->key);
}

void cmd_no_isakmp_key(struct parser *p, const struct cmd *cmd)
{
	struct whose of;
	struct psk *k;

	if (!read_whose(p, cmd, &of))
		return;
	k = isakmp_find(p->c, &of);
	if (k)
		psk_remove(p->c, (unsigned)(k - p->c->psks));
	else
		parser_nothing_to_remove(p, cmd);
}

/* ---- keyrings ---- */

void cmd_keyring(struct parser *p, const struct cmd *cmd)
{
	word_copy(cmd->arg[SLOT_NAME].w, parser_enter(p, MODE_KEYRING)->name, CONF_NAME_MAX + 1);
}

/* From the end, so that removing while walking is right; n_psks when there is none. */
static unsigned peer_find(const struct config *c, const char *keyring, const struct word *name)
{
	for (unsigned i = 0; i < c->n_psks; i++)
		if (!strcmp(c->psks[i].keyring, keyring) && word_equals(name, c->psks[i].name))
			return i;
	return c->n_psks;
}

void cmd_no_keyring(struct parser *p, const struct cmd *cmd)
{
	unsigned before = p->c->n_psks;

	for (unsigned i = p->c->n_psks; i-- > 0;)
		if (*p->c->psks[i].keyring &&
		    word_equals(cmd->arg[SLOT_NAME].w, p->c->psks[i].keyring))
			psk_remove(p->c, i);
	if (p->c->n_psks == before)
		parser_nothing_to_remove(p, cmd);
}

void cmd_keyring_peer(struct parser *p, const struct cmd *cmd)
{
	char keyring[CONF_NAME_MAX + 1];
	struct psk *k;
	unsigned i;

	strcpy(keyring, parser_frame(p)->name);
	i = peer_find(p->c, keyring, cmd->arg[SLOT_NAME].w);
	if (i == p->c->n_psks) {
		k = PARSER_GROW(p, p->c->psks, p->c->n_psks);
		if (!k)
			return;
		p->c->n_psks++;
		strcpy(k->keyring, keyring);
		word_copy(cmd->arg[SLOT_NAME].w, k->name, sizeof(k->name));
		k->pos = cmd_arg_pos(cmd, SLOT_NAME);
	}
	parser_enter(p, MODE_KEYRING_PEER)->psk = i;
}

void cmd_no_keyring_peer(struct parser *p, const struct cmd *cmd)
{
	unsigned i = peer_find(p->c, parser_frame(p)->name, cmd->arg[SLOT_NAME].w);

	if (i == p->c->n_psks)
		parser_nothing_to_remove(p, cmd);
	else
		psk_remove(p->c, i);
}

static struct psk *frame_psk(struct parser *p)
{
	return &p->c->psks[parser_frame(p)->psk];
}

void cmd_peer_address(struct parser *p, const struct cmd *cmd)
{
	struct psk *k = frame_psk(p);
	struct prefix peer;

	if (cmd->no)
		k->peer = (struct prefix){0};
	else if (peer_prefix(p, cmd, &peer))
		k->peer = peer;
}

static enum ike_id_type identity_type(const struct cmd *cmd)
{
	return cmd->flags & F_FQDN    ? IKE_ID_FQDN
	       : cmd->flags & F_EMAIL ? IKE_ID_RFC822_ADDR
	       : cmd->flags & F_DN    ? IKE_ID_DER_ASN1_DN
				      : IKE_ID_KEY_ID;
}

bool conf_identity(struct parser *p, const struct cmd *cmd, struct ike_id *out)
{
	const struct word *w = cmd->arg[SLOT_TEXT].w;
	char text[2 * IKE_ID_MAX + 1];
	size_t len, max = cmd->flags & F_DN ? sizeof(text) - 1 : IKE_ID_MAX;

	if (cmd->arg[SLOT_SRC].w) {
		*out = ike_id_from_addr(&cmd->arg[SLOT_SRC].addr);
		return true;
	}
	len = cmd->flags & F_DN ? conf_rest_len(cmd) : w->len;
	if (len > max) {
		parser_error(p, cmd_arg_pos(cmd, SLOT_TEXT),
			     conf_text("an identity of %zu bytes is too long (1..%zu)", len, max),
			     NULL);
		return false;
	}
	memcpy(text, w->s, len);
	text[len] = '\0';
	if (!ike_id_from_text(identity_type(cmd), text, out))
		return true;
	parser_error(p, cmd_arg_pos(cmd, SLOT_TEXT),
		     conf_text("%s is no distinguished name, or a too long one", text),
		     conf_text("for example: dn C=US, O=Example, CN=hub1"));
	return false;
}

void cmd_peer_identity(struct parser *p, const struct cmd *cmd)
{
	struct psk *k = frame_psk(p);

	k->identity = (struct ike_id){0};
	if (!cmd->no && !conf_identity(p, cmd, &k->identity))
		k->identity = (struct ike_id){0};
}

void cmd_peer_key(struct parser *p, const struct cmd *cmd)
{
	struct psk *k = frame_psk(p);
	struct psk_secret *of = cmd->flags & F_REMOTE ? &k->theirs :
				cmd->flags & F_NEXT   ? &k->next :
							&k->key;
	bool one_way = cmd->flags & (F_LOCAL | F_REMOTE);

	if (!cmd->no) {
		if (conf_secret_set(p, cmd, of) && of == &k->key) {
			k->one_way = one_way;
			if (!one_way)
				conf_secret_wipe(&k->theirs);
		}
		return;
	}
	conf_secret_wipe(of);
	if (of == &k->key && !one_way) {
		conf_secret_wipe(&k->theirs);
		conf_secret_wipe(&k->next);
	}
}
