/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of states and reasons: keys of the JSON, and words of the log. */
#include "prefpeerd/entry/entries.h"

const char *entry_state_name(enum entry_state s)
{
	static const char *const names[] = { "DOWN", "WALK", "UP", "BACKOFF" };

	return (unsigned)s < 4 ? names[s] : "?";
}

const char *entry_next_name(enum entry_next n)
{
	static const char *const names[] = { "same", "after", "home" };

	return (unsigned)n < 3 ? names[n] : "?";
}

const char *entry_reason_name(enum entry_reason r)
{
	static const char *const names[REASON_MAX] = {
		[REASON_NONE] = "none",
		[REASON_START] = "start",
		[REASON_ORPHANS] = "orphans",
		[REASON_ACQUIRE] = "acquire",
		[REASON_CONNECT] = "connect",
		[REASON_LOCAL_USABLE] = "local-usable",
		[REASON_LOCAL_GONE] = "local-gone",
		[REASON_NO_LOCAL] = "no-local",
		[REASON_CHILD_UP] = "child-up",
		[REASON_TIMEOUT] = "ike-timeout",
		[REASON_DNS] = "dns",
		[REASON_AUTH] = "auth",
		[REASON_PROPOSAL] = "no-proposal",
		[REASON_TS] = "ts-refused",
		[REASON_BUSY] = "busy",
		[REASON_DEAD] = "dpd-timeout",
		[REASON_PEER_DELETE] = "peer-delete",
		[REASON_IDLE] = "idle",
		[REASON_IDLE_HOME] = "idle-default",
		[REASON_LIFETIME] = "lifetime",
		[REASON_LOST] = "sa-lost",
		[REASON_NO_CHILD] = "no-child",
		[REASON_ENGINE] = "engine",
		[REASON_SHARED] = "shared-closed",
		[REASON_INBOUND] = "inbound",
		[REASON_BACKOFF_OVER] = "backoff-over",
		[REASON_WALKED_OUT] = "walked-out",
		[REASON_CLEAR_SESSION] = "clear-session",
		[REASON_CLEAR_SA] = "clear-sa",
		[REASON_SWITCH] = "operator",
		[REASON_DRAIN] = "drain",
		[REASON_RESET] = "reset",
		[REASON_CONFIG] = "config",
		[REASON_MANUAL] = "manual",
		[REASON_SPI_TAKEN] = "spi-taken",
		[REASON_IKE_REKEYED] = "ike-rekeyed",
	};

	return (unsigned)r < REASON_MAX ? names[r] : "?";
}

/* What is said where nothing of the case itself is known. */
const char *entry_reason_text(enum entry_reason r)
{
	static const char *const words[REASON_MAX] = {
		[REASON_NONE] = "no reason is known",
		[REASON_START] = "no packet has asked for it yet",
		[REASON_ORPHANS] = "SAs of an earlier run found, in use until new ones are up",
		[REASON_ACQUIRE] = "a packet asks for it",
		[REASON_CONNECT] = "operator: connect",
		[REASON_LOCAL_USABLE] = "a local address is usable",
		[REASON_LOCAL_GONE] = "local address gone",
		[REASON_NO_LOCAL] = "no local address towards it",
		[REASON_CHILD_UP] = "it answered",
		[REASON_TIMEOUT] = "no answer",
		[REASON_DNS] = "its name is not resolved",
		[REASON_AUTH] = "authentication failed",
		[REASON_PROPOSAL] = "no proposal chosen",
		[REASON_TS] = "traffic selectors refused",
		[REASON_BUSY] = "the peer is busy",
		[REASON_DEAD] = "dead: a request was given up",
		[REASON_PEER_DELETE] = "the peer deleted the SAs",
		[REASON_IDLE] = "idle",
		[REASON_IDLE_HOME] = "idle, and home to the default peer",
		[REASON_LIFETIME] = "SA lifetime ended",
		[REASON_LOST] = "the kernel has the SAs no more",
		[REASON_NO_CHILD] = "30 s without a child SA or a request for one",
		[REASON_ENGINE] = "the IKE engine refused it",
		[REASON_SHARED] = "the IKE SA that it shares with another entry was closed",
		[REASON_INBOUND] = "it called",
		[REASON_BACKOFF_OVER] = "back-off over, packets ask for it",
		[REASON_WALKED_OUT] = "no peer of the list came up",
		[REASON_CLEAR_SESSION] = "operator: clear session",
		[REASON_CLEAR_SA] = "operator: clear sa",
		[REASON_SWITCH] = "operator: switch",
		[REASON_DRAIN] = "operator: drain",
		[REASON_RESET] = "operator: reset",
		[REASON_CONFIG] = "removed from the configuration",
		[REASON_MANUAL] = "its SAs are installed",
		[REASON_SPI_TAKEN] = "another program's SA has its SPI",
		[REASON_IKE_REKEYED] = "the IKE SA was rekeyed",
	};

	return (unsigned)r < REASON_MAX ? words[r] : "?";
}

const char *entry_ntf_reason(const struct entry_ntf *n)
{
	if (n->type != NTF_PEER)
		return entry_reason_name(n->reason);
	switch (n->reason) {
	case REASON_CONNECT:
	case REASON_CLEAR_SESSION:
	case REASON_CLEAR_SA:
	case REASON_RESET:
	case REASON_DRAIN:
		return "operator";
	default:
		return entry_reason_name(n->reason);
	}
}

const char *name_trust_text(enum name_trust t)
{
	static const char *const names[] = { "unchecked", "insecure", "secure", "bogus", "local" };

	return (unsigned)t < 5 ? names[t] : "?";
}

const char *entry_ntf_name(enum entry_ntf_type t)
{
	static const char *const names[] = {
		[NTF_STATE] = "map-state", [NTF_LINE] = "map-line", [NTF_PEER] = "map-peer",
		[NTF_NEXT] = "map-next",   [NTF_NOTE] = "map-note",
	};

	return (unsigned)t <= NTF_NOTE ? names[t] : "?";
}
