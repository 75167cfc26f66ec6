// SPDX-License-Identifier: GPL-2.0-or-later
/* Manual entries, when the whole file was read: their suite, keys, access list and SPIs. */
#include "prefpeerd/conf/parser.h"

#include <string.h>

const char *conf_manual_lacks(const struct map_entry *e)
{
	if (!e->manual->in.spi)
		return "it has no session key for inbound packets";
	return e->manual->out.spi ? NULL : "it has no session key for outbound packets";
}

static bool counts_nonces(enum ike_encr encr)
{
	return encr != ENCR_AES_CBC && encr != ENCR_NULL;
}

/* RFC 8221 §3: a counter that begins again under the same key is fatal to these. */
static bool suite_fits(struct parser *p, const struct map_entry *e)
{
	const struct esp_suite *s = &e->sets[0]->suite;
	char name[32];

	if (suite_is_ah(s) || e->sets[0]->mode != SA_MODE_TUNNEL) {
		parser_error(p, e->set_pos[0],
			     conf_text("transform set %s is %s, and manual SAs are of ESP in tunnel mode",
				       e->set_names[0],
				       suite_is_ah(s) ? "of AH" : "in transport mode"),
			     conf_text("use esp-null esp-sha256-hmac where nothing is to be encrypted"));
		return false;
	}
	if (counts_nonces(s->encr)) {
		parser_error(p, e->set_pos[0],
			     conf_text("%s must not be used with manual keys: its counter begins again "
				       "at each start, and two packets under one counter and one key "
				       "betray what they hold (RFC 8221 §3)",
				       encr_name(s->encr, s->key_bits, name, sizeof(name))),
			     conf_text("use esp-aes 256 esp-sha256-hmac"));
		return false;
	}
	if (!s->esn)
		return true;
	parser_error(p, e->set_pos[0],
		     conf_text("transform set %s has extended sequence numbers, which need anti-replay; "
			       "manual SAs have none (RFC 4303 §3.3.3)",
			       e->set_names[0]),
		     conf_text("a transform set without `esn`"));
	return false;
}

/* @what: "a cipher key"; @of: what takes it. */
static void check_length(struct parser *p, struct conf_pos pos, size_t len, unsigned want,
			 const char *of, const char *what)
{
	if (len == want)
		return;
	if (!want)
		parser_error(p, pos, conf_text("%s takes no %s", of, strchr(what, ' ') + 1), NULL);
	else if (!len)
		parser_error(p, pos,
			     conf_text("%s needs %s of %u hexadecimal digits", of, what, 2 * want),
			     NULL);
	else
		parser_error(p, pos,
			     conf_text("%s takes %s of %u hexadecimal digits (%u bytes); this has %zu",
				       of, what, 2 * want, want, 2 * len),
			     NULL);
}

static void check_key(struct parser *p, const struct map_entry *e, const struct session_key *k)
{
	const struct esp_suite *s = &e->sets[0]->suite;
	char name[32];

	if (!k->spi)
		return;
	if (!k->encr_hidden)
		check_length(p, k->encr_len ? k->encr_pos : k->pos, k->encr_len, esp_encr_key_len(s),
			     encr_name(s->encr, s->key_bits, name, sizeof(name)), "a cipher key");
	if (!k->integ_hidden)
		check_length(p, k->integ_len ? k->integ_pos : k->pos, k->integ_len,
			     esp_integ_key_len(s), integ_name(s->integ), "an authenticator key");
}

/* Without anti-replay nothing else tells a packet that came back from one that was sent. */
static void check_directions(struct parser *p, const struct conf_manual *m)
{
	if (!m->in.spi || !m->out.spi || !m->in.integ_len ||
	    m->in.integ_len != m->out.integ_len ||
	    memcmp(m->in.integ, m->out.integ, m->in.integ_len))
		return;
	parser_warn(p, m->out.integ_pos,
		    conf_text("both directions have one authenticator key: whoever sends our packets back to us is believed"),
		    conf_text("a key of its own for each direction"));
}

/* IOS ignores all but the first; here nothing is accepted and ignored. */
static void check_lines(struct parser *p, const struct map_entry *e)
{
	unsigned n = 0;

	for (unsigned i = 0; e->acl && i < e->acl->n_lines; i++)
		n += e->acl->lines[i].permit;
	if (n > 1)
		parser_error(p, e->acl_pos,
			     conf_text("access list %s has %u permit lines: a manual entry has SAs for one",
				       e->acl_name, n),
			     conf_text("an entry for each of them"));
}

/* An SA is found by its destination and SPI: inbound the one is ours, whoever sends. */
static void check_spis(struct parser *p, const struct map_entry *e, const struct map_entry *o)
{
	const struct conf_manual *m = e->manual, *n = o->manual;

	if (m->in.spi && m->in.spi == n->in.spi && e->map->family == o->map->family)
		parser_error(p, m->in.pos,
			     conf_text("SPI %u is that of inbound packets of %s %u already (line %u)",
				       m->in.spi, o->map->name, o->seq, n->in.pos.line),
			     NULL);
	if (m->out.spi && m->out.spi == n->out.spi && e->n_peers && o->n_peers &&
	    addr_equal(&e->peers[0].addr, &o->peers[0].addr))
		parser_error(p, m->out.pos,
			     conf_text("SPI %u to %s is that of %s %u already (line %u)", m->out.spi,
				       e->peers[0].text, o->map->name, o->seq, n->out.pos.line),
			     NULL);
}

/* Against those before it. */
static void check_others(struct parser *p, const struct map_entry *e)
{
	for (unsigned i = 0; i < p->c->n_maps; i++)
		for (unsigned k = 0; k < p->c->maps[i]->n_entries; k++) {
			const struct map_entry *o = p->c->maps[i]->entries[k];

			if (o == e)
				return;
			if (o->manual)
				check_spis(p, e, o);
		}
}

void conf_check_manual(struct parser *p, const struct map_entry *e)
{
	check_lines(p, e);
	check_others(p, e);
	check_directions(p, e->manual);
	if (!e->n_sets || !e->sets[0] || !suite_fits(p, e))
		return;
	check_key(p, e, &e->manual->in);
	check_key(p, e, &e->manual->out);
}

/* ---- keys that are in force, and were typed as hidden ones ---- */

static bool known_key(bool *hidden, uint8_t *key, size_t *len, const uint8_t *old, size_t old_len,
		      unsigned want)
{
	if (!*hidden)
		return true;
	if (!old || old_len != want)
		return false;
	*hidden = false;
	memcpy(key, old, old_len);
	*len = old_len;
	return true;
}

static bool known_way(const struct map_entry *e, struct session_key *k,
		      const struct session_key *old, struct conf_diags *diags)
{
	static const struct esp_suite none;
	const struct esp_suite *s = e->n_sets && e->sets[0] ? &e->sets[0]->suite : &none;

	if (known_key(&k->encr_hidden, k->encr, &k->encr_len, old ? old->encr : NULL,
		      old ? old->encr_len : 0, esp_encr_key_len(s)) &&
	    known_key(&k->integ_hidden, k->integ, &k->integ_len, old ? old->integ : NULL,
		      old ? old->integ_len : 0, esp_integ_key_len(s)))
		return true;
	conf_diag(diags, CONF_ERROR, k->pos,
		  conf_text(CONF_HIDDEN " stands for a key that is in force, and there is none of that length"),
		  conf_text("write the key itself"));
	return false;
}

bool conf_manual_known(struct map_entry *e, const struct config *present, struct conf_diags *diags)
{
	const struct map_entry *o = present ? conf_find_entry(present, e->map->name, e->seq) : NULL;
	const struct conf_manual *old = o ? o->manual : NULL;
	bool in = known_way(e, &e->manual->in, old ? &old->in : NULL, diags);

	return known_way(e, &e->manual->out, old ? &old->out : NULL, diags) && in;
}
