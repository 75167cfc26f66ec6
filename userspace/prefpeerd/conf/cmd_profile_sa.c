// SPDX-License-Identifier: GPL-2.0-or-later
/* What an IKEv2 profile says of the IKE SA itself, rather than of who is at its ends. */
#include "prefpeerd/conf/parser.h"

#include <stdlib.h>

void cmd_profile_description(struct parser *p, const struct cmd *cmd)
{
	struct ikev2_profile *f = parser_frame(p)->profile;

	free(f->description);
	f->description = cmd->no ? NULL :
				   parser_strdup(p, cmd->arg[SLOT_TEXT].w->s, conf_rest_len(cmd));
}

void cmd_profile_contact(struct parser *p, const struct cmd *cmd)
{
	parser_frame(p)->profile->contact_forced = !cmd->no;
}

void cmd_profile_certificate(struct parser *p, const struct cmd *cmd)
{
	parser_frame(p)->profile->cert_if_asked = !cmd->no && !(cmd->flags & F_DEFAULT);
}

/* Of a profile, or of all that say nothing else. */
void cmd_nat_keepalive(struct parser *p, const struct cmd *cmd)
{
	struct ikev2_profile *f = parser_frame(p)->profile;
	uint16_t s = cmd->no ? 0 : (uint16_t)cmd->arg[SLOT_NUM].num;

	if (f)
		f->nat_keepalive_s = s;
	else
		p->c->nat_keepalive_s = s;
}
