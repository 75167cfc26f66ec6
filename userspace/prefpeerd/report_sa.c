// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/report_sa.h"

#include <inttypes.h>
#include <stdio.h>

#include "prefpeerd/report_conf.h"

static json_t *address(const struct addr *a)
{
	char text[ADDR_STRLEN];

	return addr_is_set(a) ? json_string(addr_print(a, text, sizeof(text))) : json_null();
}

static json_t *spi(uint32_t v)
{
	return v ? json_sprintf("0x%08" PRIx32, v) : json_null();
}

static json_t *identity(const struct ike_id *id)
{
	char text[IKE_ID_STRLEN];

	return id->type ? json_string(ike_id_print(id, text, sizeof(text))) : json_null();
}

/* ---- pairs ------------------------------------------------------------------ */

/* A port as IOS names it: 0 is any, and so is more than one. */
static int one_port(const struct port_range *r)
{
	return r->lo == r->hi ? r->lo : 0;
}

json_t *report_ident(const struct prefix *net, uint8_t proto, const struct port_range *port)
{
	return json_pack("{so si si si}", "address", address(&net->addr), "length", (int)net->len,
			 "protocol", (int)proto, "port", one_port(port));
}

/* What is left of a lifetime; null: it has none. */
static json_t *left(uint64_t of, uint64_t used)
{
	return of ? json_integer(used < of ? (json_int_t)(of - used) : 0) : json_null();
}

/* What the engine alone knows: nothing of a pair that another agent made. */
static json_t *pair_info(const struct entry_pair_view *p, mono_t now)
{
	const struct engine_child_info *i = &p->info;
	int64_t age = mono_is_set(i->made) ? mono_diff_ms(now, i->made) : 0;
	const struct esp_suite *suite = &i->pair.suite;
	char text[TRANSFORMS_STRLEN];

	if (!p->has_info)
		return json_null();
	return json_pack("{ss ss ss sb si si si so so so so sb si}", "transforms",
			 report_transforms(suite, text, sizeof(text)), "protocol",
			 suite_is_ah(suite) ? "ah" : "esp", "mode",
			 i->pair.transport ? "transport" : "tunnel", "esn", suite->esn, "encr",
			 (int)suite->encr, "encap_port", (int)i->pair.encap_port, "local_port",
			 (int)i->local_port, "pfs",
			 i->pfs ? json_sprintf("group%d", (int)i->pfs) : json_null(), "left_ms",
			 left(i->lifetime_s * UINT64_C(1000), (uint64_t)(age > 0 ? age : 0)),
			 "left_kb_in", left(i->lifetime_kb, p->used_in / 1024), "left_kb_out",
			 left(i->lifetime_kb, p->used_out / 1024), "replay", !i->replay.off,
			 "replay_window", (int)(i->replay.window ? i->replay.window : 64));
}

json_t *report_pair(const struct entry_pair_view *p, mono_t now)
{
	return json_pack("{si si so so so so so so sI sI sI sI sI sI sI so so}", "line", (int)p->line,
			 "conn", (int)p->conn, "local", address(&p->local), "remote",
			 address(&p->peer), "spi_in", spi(p->spi_in), "spi_out", spi(p->spi_out),
			 "local_ident", report_ident(&p->sel.src, p->sel.proto, &p->sel.sport),
			 "remote_ident", report_ident(&p->sel.dst, p->sel.proto, &p->sel.dport), "bytes_in",
			 (json_int_t)p->bytes_in, "bytes_out", (json_int_t)p->bytes_out,
			 "packets_in", (json_int_t)p->packets_in, "packets_out",
			 (json_int_t)p->packets_out, "replayed", (json_int_t)p->replayed,
			 "not_authentic", (json_int_t)p->not_authentic, "up_ms",
			 (json_int_t)(mono_is_set(p->since) ? mono_diff_ms(now, p->since) : 0),
			 "idle_now_ms",
			 p->idle_now_ms < 0 ? json_null() : json_integer(p->idle_now_ms), "info",
			 pair_info(p, now));
}

/* ---- IKE SAs ---------------------------------------------------------------- */

static const char *auth_word(unsigned set)
{
	switch (set) {
	case 0:
		return "none";
	case ENGINE_AUTH_PSK:
		return "PSK";
	case ENGINE_AUTH_RSA:
		return "RSA";
	case ENGINE_AUTH_ECDSA:
		return "ECDSA";
	case ENGINE_AUTH_EDDSA:
		return "EDDSA";
	default:
		return "ANY";
	}
}

/* As IOS names a cipher and a hash. */
static const char *cipher_word(enum ike_encr encr)
{
	switch (encr) {
	case ENCR_AES_CBC:
		return "AES-CBC";
	case ENCR_AES_GCM_16:
		return "AES-GCM";
	case ENCR_CHACHA20_POLY1305:
		return "CHACHA20-POLY1305";
	default:
		return "none";
	}
}

static const char *prf_word(enum ike_prf prf)
{
	switch (prf) {
	case PRF_HMAC_SHA2_256:
		return "SHA256";
	case PRF_HMAC_SHA2_384:
		return "SHA384";
	case PRF_HMAC_SHA2_512:
		return "SHA512";
	default:
		return "none";
	}
}

static const char *hash_word(enum ike_integ integ)
{
	switch (integ) {
	case INTEG_HMAC_SHA2_256_128:
		return "SHA256";
	case INTEG_HMAC_SHA2_384_192:
		return "SHA384";
	case INTEG_HMAC_SHA2_512_256:
		return "SHA512";
	default:
		return "None";
	}
}

void report_conn_more(json_t *session, const struct engine_conn_info *i)
{
	unsigned bits = i->suite.key_bits ? i->suite.key_bits : 256;
	json_t *more = json_pack(
		"{si ss si ss ss si sI sb si si so so ss ss so}", "local_port", (int)i->local.port,
		"cipher", cipher_word(i->suite.encr), "key_bits",
		(int)(i->suite.encr ? bits : 0), "prf_name", prf_word(i->suite.prf), "hash",
		hash_word(i->suite.integ), "dh_group", (int)i->suite.dh, "lifetime_s",
		(json_int_t)i->lifetime_s, "fragmentation", i->fragmentation, "next_out",
		(int)i->next_out, "next_in", (int)i->next_in, "local_id", identity(&i->local_id),
		"remote_id", identity(&i->peer_id), "auth_local", auth_word(i->auth_local),
		"auth_remote", auth_word(i->auth_remote), "dpd",
		json_pack("{sb sI sI}", "on", i->dpd.mode != DPD_OFF, "interval_ms",
			  (json_int_t)i->dpd.interval_ms, "retry_ms",
			  (json_int_t)i->dpd.retry_ms));

	if (session && more)
		json_object_update(session, more);
	json_decref(more);
}
