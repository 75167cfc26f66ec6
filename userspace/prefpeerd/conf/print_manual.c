// SPDX-License-Identifier: GPL-2.0-or-later
/* The session keys of a manual entry. */
#include "prefpeerd/conf/print.h"

static void print_hex(const char *what, const uint8_t *key, size_t len, bool hidden, FILE *out)
{
	if (!len && !hidden)
		return;
	fprintf(out, " %s %s", what, hidden ? CONF_HIDDEN : "");
	for (size_t i = 0; !hidden && i < len; i++)
		fprintf(out, "%02x", key[i]);
}

static void print_session_key(const char *way, const struct session_key *k, bool secrets, FILE *out)
{
	if (!k->spi)
		return;
	fprintf(out, " set session-key %s esp %u", way, k->spi);
	print_hex("cipher", k->encr, k->encr_len, k->encr_hidden || (k->encr_len && !secrets), out);
	print_hex("authenticator", k->integ, k->integ_len,
		  k->integ_hidden || (k->integ_len && !secrets), out);
	fputc('\n', out);
}

void print_session_keys(const struct map_entry *e, bool secrets, FILE *out)
{
	if (!e->manual)
		return;
	print_session_key("inbound", &e->manual->in, secrets, out);
	print_session_key("outbound", &e->manual->out, secrets, out);
}
