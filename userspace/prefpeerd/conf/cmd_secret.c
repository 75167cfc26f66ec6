// SPDX-License-Identifier: GPL-2.0-or-later
/* How a key is written: as it is, in hexadecimal, sealed (type 6), or in a file of its own. */
#include "prefpeerd/conf/parser.h"

#include <stdlib.h>
#include <string.h>

static bool too_long(struct parser *p, const struct cmd *cmd, size_t len)
{
	if (len <= PSK_MAX)
		return false;
	parser_error(p, cmd_arg_pos(cmd, SLOT_TEXT),
		     conf_text("a key of %zu bytes is too long (1..%u)", len, PSK_MAX), NULL);
	return true;
}

static bool take_bytes(struct parser *p, const void *bytes, size_t len, struct psk_secret *k)
{
	uint8_t *copy = parser_alloc(p, len);

	if (!copy)
		return false;
	memcpy(copy, bytes, len);
	conf_secret_wipe(k);
	k->bytes = copy;
	k->len = len;
	return true;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 :
				      -1;
}

static bool take_hex(struct parser *p, const struct cmd *cmd, struct psk_secret *k)
{
	const struct word *w = cmd->arg[SLOT_TEXT].w;
	unsigned skip = w->len > 2 && w->s[0] == '0' && (w->s[1] | 0x20) == 'x' ? 2 : 0;
	uint8_t bytes[PSK_MAX];
	size_t len = (w->len - skip) / 2;
	bool ok = !((w->len - skip) % 2);

	if (too_long(p, cmd, len))
		return false;
	for (size_t i = 0; ok && i < len; i++) {
		int hi = digit(w->s[skip + 2 * i]), lo = digit(w->s[skip + 2 * i + 1]);

		ok = hi >= 0 && lo >= 0;
		bytes[i] = (uint8_t)(hi << 4 | lo);
	}
	if (!ok)
		parser_error(p, cmd_arg_pos(cmd, SLOT_TEXT),
			     conf_text("that is no key in hexadecimal"),
			     conf_text("two digits for each byte"));
	ok = ok && take_bytes(p, bytes, len, k);
	explicit_bzero(bytes, sizeof(bytes));
	return ok;
}

static bool take_path(struct parser *p, const struct cmd *cmd, struct psk_secret *k)
{
	const struct word *w = cmd->arg[SLOT_TEXT].w;
	char *copy;

	if (w->s[0] != '/') {
		parser_error(p, cmd_arg_pos(cmd, SLOT_TEXT),
			     conf_text("%.*s is no absolute path", (int)w->len, w->s), NULL);
		return false;
	}
	copy = parser_strdup(p, w->s, w->len);
	if (!copy)
		return false;
	conf_secret_wipe(k);
	k->path = copy;
	return true;
}

static bool take_sealed(struct parser *p, const struct cmd *cmd, struct psk_secret *k)
{
	const struct word *w = cmd->arg[SLOT_TEXT].w;
	char *copy = w->len <= PKI_SEALED_MAX ? parser_strdup(p, w->s, w->len) : NULL;

	if (w->len > PKI_SEALED_MAX)
		parser_error(p, cmd_arg_pos(cmd, SLOT_TEXT),
			     conf_text("that is no key of type 6: it is too long"),
			     conf_text("`prefpeerd --seal-key` makes them"));
	if (!copy)
		return false;
	conf_secret_wipe(k);
	k->sealed = copy;
	return true;
}

bool conf_secret_set(struct parser *p, const struct cmd *cmd, struct psk_secret *k)
{
	const struct word *w = cmd->arg[SLOT_TEXT].w;
	bool ok;

	if (cmd->flags & F_HEX)
		ok = take_hex(p, cmd, k);
	else if (cmd->flags & F_FILE)
		ok = take_path(p, cmd, k);
	else if (cmd->flags & F_SEALED)
		ok = take_sealed(p, cmd, k);
	else
		ok = !too_long(p, cmd, w->len) && take_bytes(p, w->s, w->len, k);
	if (ok)
		k->pos = cmd_arg_pos(cmd, SLOT_TEXT);
	return ok;
}

/* `key config-key password-encrypt file PATH` */
void cmd_master_key(struct parser *p, const struct cmd *cmd)
{
	struct psk_secret of = { 0 };

	free(p->c->master.path);
	p->c->master = (struct conf_file){ 0 };
	if (cmd->no || !take_path(p, cmd, &of))
		return;
	p->c->master = (struct conf_file){ of.path, cmd_arg_pos(cmd, SLOT_TEXT) };
}

/* ---- when the whole file is read ---- */

static bool is_sealed(const struct psk *k)
{
	return k->key.sealed || k->theirs.sealed || k->next.sealed;
}

void conf_check_secrets(struct parser *p, const struct psk *k)
{
	if (is_sealed(k) && !p->c->master.path)
		parser_error(p, k->pos,
			     conf_text("a key of type 6 is encrypted with a master key, and there is none"),
			     conf_text("`key config-key password-encrypt file PATH` names its file"));
	if (k->one_way != conf_secret_is_set(&k->theirs))
		parser_incomplete(p, k->pos,
			     conf_text("peer %s of keyring %s has a key of one direction only", k->name,
				       k->keyring),
			     conf_text("`pre-shared-key %s …` is missing",
				       k->one_way ? "remote" : "local"));
	else if (conf_secret_is_set(&k->next) && (k->one_way || !conf_secret_is_set(&k->key)))
		(k->one_way ? parser_error : parser_incomplete)(p, k->pos,
			     conf_text("the next key of peer %s of keyring %s has none to follow: it takes the place of one of both directions",
				       k->name, k->keyring),
			     conf_text("`pre-shared-key KEY` beside it"));
}
