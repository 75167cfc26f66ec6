// SPDX-License-Identifier: GPL-2.0-or-later
/* What the shell asks for before it lets somebody configure: a hash, never the password. */
#include "prefpeerd/conf/parser.h"

#include <string.h>

void cmd_enable_secret(struct parser *p, const struct cmd *cmd)
{
	const struct word *w = cmd->arg[SLOT_TEXT].w;

	p->c->enable_pos = cmd_arg_pos(cmd, SLOT_TEXT);
	*p->c->enable_secret = '\0';
	if (cmd->no)
		return;
	if (*w->s != '$' && !word_equals(w, CONF_HIDDEN)) {
		parser_error(p, cmd_arg_pos(cmd, SLOT_TEXT),
			     conf_text("what is kept of a password is its hash, as of crypt(5)"),
			     conf_text("`prefpeer shell` makes one of what is typed there, mkpasswd(1) another"));
		return;
	}
	if (!word_copy(w, p->c->enable_secret, sizeof(p->c->enable_secret))) {
		*p->c->enable_secret = '\0';
		parser_error(p, cmd_arg_pos(cmd, SLOT_TEXT), conf_text("that is too long for a hash"),
			     NULL);
	}
}
