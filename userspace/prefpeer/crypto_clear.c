// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * clear crypto …: semantics.md §6.7, §10. `sa` keeps the peer; whatever takes the IKE SA
 * along leads home where there is a default peer, since with IKEv2 no pair outlives it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "prefpeer/crypto.h"
#include "prefpeer/facts.h"

/* The address of a peer that is named as configured; NULL: it is none. */
static const char *resolved(const json_t *maps, const char *name)
{
	const json_t *m, *p;
	size_t i, j;

	json_array_foreach(maps, i, m)
		json_array_foreach(fact_get(m, "peers"), j, p)
			if (!strcmp(fact_str(p, "peer"), name) && *fact_str(p, "address"))
				return fact_str(p, "address");
	return NULL;
}

/* CLI_OK with "remote" in @request, or said why. */
static int take_peer(const struct exec_line *line, json_t *request, const char *peer)
{
	const char *address = peer;
	json_t *maps = NULL;
	struct addr a;
	int rc = CLI_OK;

	if (addr_parse(peer, &a)) {
		maps = crypto_ask(line, "map-show", "maps");
		if (!maps)
			return CLI_FAIL;
		address = resolved(maps, peer);
	}
	if (address)
		json_object_set_new(request, "remote", json_string(address));
	else
		rc = cli_fail("no crypto map has a peer \"%s\" with a known address", peer);
	json_decref(maps);
	return rc;
}

/* By destination and SPI, as RFC 4301 §4.1 knows an SA. */
static bool has_sa(const json_t *maps, const char *dst, uint32_t spi)
{
	const json_t *m, *sa;
	char text[16];
	size_t i, j;

	snprintf(text, sizeof(text), "0x%08" PRIx32, spi);
	json_array_foreach(maps, i, m)
		json_array_foreach(fact_get(m, "sas"), j, sa)
			if ((!strcmp(fact_str(sa, "spi_in"), text) &&
			     !strcmp(fact_str(sa, "local"), dst)) ||
			    (!strcmp(fact_str(sa, "spi_out"), text) &&
			     !strcmp(fact_str(sa, "remote"), dst)))
				return true;
	return false;
}

static int check_sa(const struct exec_line *line, uint32_t spi)
{
	const char *dst = exec_arg(line, "DESTINATION");
	json_t *maps = crypto_ask(line, "map-show", "maps");
	int rc = CLI_OK;

	if (!maps)
		return CLI_FAIL;
	if (!has_sa(maps, dst, spi))
		rc = cli_fail("there is no SA to %s with SPI 0x%08" PRIx32, dst, spi);
	json_decref(maps);
	return rc;
}

/* clear crypto sa [peer {A | NAME} | map NAME | entry DESTINATION esp SPI] */
int clear_crypto_sa(const struct exec_line *line)
{
	const char *peer = exec_after(line, "peer");
	const char *map = exec_has(line, "map") ? exec_after(line, "map") : NULL;
	uint32_t spi = exec_number_at(line, "SPI");
	json_t *request = json_pack("{s:s, s:s*, s:o*}", "cmd", "sa-clear", "map", map, "spi",
				    spi ? json_integer(spi) : NULL);

	if ((peer && take_peer(line, request, peer)) || (spi && check_sa(line, spi))) {
		json_decref(request);
		return CLI_FAIL;
	}
	return show_done(line->cli, request);
}

int clear_crypto_counters(const struct exec_line *line)
{
	return show_done(line->cli, json_pack("{s:s}", "cmd", "counters-clear"));
}

/* clear crypto session, clear crypto isakmp, clear crypto ikev2 sa, with what chooses them. */
int clear_crypto_session(const struct exec_line *line)
{
	uint32_t conn = exec_number_at(line, "ID");
	json_t *request = json_pack("{s:s, s:s*, s:o*, s:o*, s:o*}", "cmd", "session-clear", "local",
				    exec_after(line, "local"), "conn",
				    conn ? json_integer(conn) : NULL, "active",
				    exec_has(line, "active") ? json_true() : NULL, "quiet",
				    exec_has(line, "fast") ? json_true() : NULL);
	const char *remote = exec_after(line, "remote");

	if (remote && take_peer(line, request, remote)) {
		json_decref(request);
		return CLI_FAIL;
	}
	return show_done(line->cli, request);
}

/* clear crypto map NAME SEQ peer: ours. */
int clear_crypto_map_peer(const struct exec_line *line)
{
	return show_done(line->cli,
			 json_pack("{s:s, s:s, s:i}", "cmd", "map-reset", "map",
				   exec_arg(line, "NAME"), "seq",
				   (int)exec_number_at(line, "SEQ")));
}
