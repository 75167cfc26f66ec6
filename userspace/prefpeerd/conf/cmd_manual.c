// SPDX-License-Identifier: GPL-2.0-or-later
/* `ipsec-manual`: SAs whose keys are in the configuration; semantics.md §4.1. */
#include "prefpeerd/conf/parser.h"

#include <stdlib.h>
#include <string.h>

void conf_manual_free(struct conf_manual *m)
{
	if (m)
		explicit_bzero(m, sizeof(*m));
	free(m);
}

static bool is_another(const struct cmd *cmd, const struct map_entry *e)
{
	return e->n_peers && !word_equals(cmd->arg[SLOT_NAME].w, e->peers[0].text);
}

/* The SAs are there from the start, and stay: there is nobody to choose from, or to ask for. */
void cmd_manual_peer(struct parser *p, const struct cmd *cmd)
{
	struct map_entry *e = parser_frame(p)->entry;
	const struct word *w = cmd->arg[SLOT_NAME].w;
	char name[HOST_NAME_MAX_LEN + 1];
	struct addr addr;

	if (is_another(cmd, e)) {
		parser_error(p, cmd_arg_pos(cmd, SLOT_NAME),
			     conf_text("a manual entry has one peer: here it is %s (line %u)",
				       e->peers[0].text, e->peers[0].pos.line),
			     conf_text("`no set peer %s` first", e->peers[0].text));
		return;
	}
	if (word_copy(w, name, sizeof(name)) && addr_parse(name, &addr) &&
	    conf_is_host_name(name)) {
		parser_error(p, cmd_arg_pos(cmd, SLOT_NAME),
			     conf_text("%s is a name: a manual entry needs its peer's address", name),
			     NULL);
		return;
	}
	cmd_set_peer(p, cmd);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Nothing of the key is said, not even in what is wrong with it. */
static bool read_key(struct parser *p, const struct cmd *cmd, enum slot slot, uint8_t *out,
		     size_t *len, bool *hidden)
{
	const struct word *w = cmd->arg[slot].w;
	unsigned from = w->len > 2 && w->s[0] == '0' && (w->s[1] | 0x20) == 'x' ? 2 : 0;
	unsigned n = w->len - from;

	*len = 0;
	*hidden = word_is(w, CONF_HIDDEN);
	if (*hidden)
		return true;
	if (n % 2 || n > 2 * SESSION_KEY_MAX) {
		parser_error(p, cmd_arg_pos(cmd, slot),
			     n % 2 ? conf_text("a key of %u hexadecimal digits is no number of bytes", n) :
				     conf_text("a key of %u hexadecimal digits is too long (2..%u)",
					       n, 2 * SESSION_KEY_MAX),
			     NULL);
		return false;
	}
	for (unsigned i = from; i < w->len; i += 2) {
		int hi = hex_digit(w->s[i]), lo = hex_digit(w->s[i + 1]);

		if (hi < 0 || lo < 0) {
			parser_error(p, cmd_arg_pos(cmd, slot),
				     conf_text("a session key is written in hexadecimal digits, 0..9 and a..f"),
				     NULL);
			return false;
		}
		out[(*len)++] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

static struct session_key *key_meant(struct parser *p, const struct cmd *cmd)
{
	struct conf_manual *m = parser_frame(p)->entry->manual;

	return cmd_keyword_value(cmd) == SESSION_IN ? &m->in : &m->out;
}

/* `set session-key {inbound|outbound} esp SPI [cipher HEX] [authenticator HEX]` */
void cmd_session_key(struct parser *p, const struct cmd *cmd)
{
	struct session_key *k = key_meant(p, cmd), new = { 0 };
	bool ok = true;

	new.spi = (uint32_t)cmd->arg[SLOT_NUM].num;
	new.pos = cmd_arg_pos(cmd, SLOT_NUM);
	if (cmd->arg[SLOT_TEXT].w) {
		new.encr_pos = cmd_arg_pos(cmd, SLOT_TEXT);
		ok = read_key(p, cmd, SLOT_TEXT, new.encr, &new.encr_len, &new.encr_hidden);
	}
	if (ok && cmd->arg[SLOT_NAME].w) {
		new.integ_pos = cmd_arg_pos(cmd, SLOT_NAME);
		ok = read_key(p, cmd, SLOT_NAME, new.integ, &new.integ_len,
			      &new.integ_hidden);
	}
	if (ok)
		*k = new;
	explicit_bzero(&new, sizeof(new));
}

void cmd_no_session_key(struct parser *p, const struct cmd *cmd)
{
	struct session_key *k = key_meant(p, cmd);

	if (!k->spi)
		parser_nothing_to_remove(p, cmd);
	explicit_bzero(k, sizeof(*k));
}
