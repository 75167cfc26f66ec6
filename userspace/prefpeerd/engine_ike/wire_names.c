// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/engine_ike/wire.h"

#include <stddef.h>
#include <stdio.h>

struct name {
	int id;
	const char *text;
};

#define N(x) { N_##x, #x }
static const struct name notifies[] = {
	N(UNSUPPORTED_CRITICAL_PAYLOAD), N(INVALID_IKE_SPI), N(INVALID_MAJOR_VERSION),
	N(INVALID_SYNTAX), N(INVALID_MESSAGE_ID), N(INVALID_SPI), N(NO_PROPOSAL_CHOSEN),
	N(INVALID_KE_PAYLOAD), N(AUTHENTICATION_FAILED), N(SINGLE_PAIR_REQUIRED),
	N(NO_ADDITIONAL_SAS), N(INTERNAL_ADDRESS_FAILURE), N(FAILED_CP_REQUIRED),
	N(TS_UNACCEPTABLE), N(INVALID_SELECTORS), N(TEMPORARY_FAILURE), N(CHILD_SA_NOT_FOUND),
	N(INITIAL_CONTACT), N(SET_WINDOW_SIZE), N(ADDITIONAL_TS_POSSIBLE), N(IPCOMP_SUPPORTED),
	N(NAT_DETECTION_SOURCE_IP), N(NAT_DETECTION_DESTINATION_IP), N(COOKIE),
	N(USE_TRANSPORT_MODE), N(REKEY_SA), N(ESP_TFC_PADDING_NOT_SUPPORTED),
	N(QCD_TOKEN), N(FRAGMENTATION_SUPPORTED),
};

static const struct name exchanges[] = {
	{ XCHG_IKE_SA_INIT, "IKE_SA_INIT" },
	{ XCHG_IKE_AUTH, "IKE_AUTH" },
	{ XCHG_CREATE_CHILD_SA, "CREATE_CHILD_SA" },
	{ XCHG_INFORMATIONAL, "INFORMATIONAL" },
};

static const struct name payloads[] = {
	{ PLD_SA, "SA" },	  { PLD_KE, "KE" },	    { PLD_IDI, "IDi" },
	{ PLD_IDR, "IDr" },	  { PLD_CERT, "CERT" },	    { PLD_CERTREQ, "CERTREQ" },
	{ PLD_AUTH, "AUTH" },	  { PLD_NONCE, "Nonce" },   { PLD_NOTIFY, "Notify" },
	{ PLD_DELETE, "Delete" }, { PLD_VENDOR, "Vendor" }, { PLD_TSI, "TSi" },
	{ PLD_TSR, "TSr" },	  { PLD_SK, "SK" },	    { PLD_CP, "CP" },
	{ PLD_EAP, "EAP" },	  { PLD_SKF, "SKF" },
};

static const char *find(const struct name *tab, size_t n, const char *kind, int id)
{
	static char bufs[4][32];
	static unsigned turn;
	char *buf;

	for (size_t i = 0; i < n; i++)
		if (tab[i].id == id)
			return tab[i].text;
	buf = bufs[turn++ % 4];
	snprintf(buf, sizeof(bufs[0]), "%s %d", kind, id);
	return buf;
}

#define FIND(tab, kind, id) find(tab, sizeof(tab) / sizeof((tab)[0]), kind, id)

const char *exchange_name(int id)
{
	return FIND(exchanges, "exchange", id);
}

const char *payload_name(int id)
{
	return FIND(payloads, "payload", id);
}

const char *notify_name(int id)
{
	return FIND(notifies, "notify", id);
}
