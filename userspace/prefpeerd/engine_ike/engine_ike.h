/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The embedded IKEv2 engine (RFC 7296) behind the engine port. Pure over its
 * own ports: timers, kernel, clock, and a net that carries datagrams.
 */
#ifndef ENGINE_IKE_H
#define ENGINE_IKE_H

#include "lib/timer.h"
#include "prefpeerd/engine.h"
#include "prefpeerd/kernel.h"

/*
 * The net port. @bytes is an IKE message without non-ESP marker: whoever sends
 * from port 4500 puts it there. 0 or -errno; an error is remarked upon, and the
 * message is sent again like a lost one.
 */
struct ike_net_ops {
	int (*send)(void *ctx, const struct endpoint *local, const struct endpoint *peer,
		    const uint8_t *bytes, size_t len);
	/* One byte 0xFF (RFC 3948 §2.3). */
	void (*keepalive)(void *ctx, const struct endpoint *local, const struct endpoint *peer);
};

struct ike_offer;

/*
 * The signing port: who holds the private keys is not who reads the network
 * (design.md §4). @key: of the public key (pki.h).
 */
struct ike_signer {
	/* 0: engine_ike_signed() tells the end, from a later turn. Or -errno, and nothing follows. */
	int (*sign)(void *ctx, uint32_t job, const uint8_t key[PKI_KEY_ID_LEN],
		    enum pki_scheme scheme, const uint8_t *data, size_t len);
	void *ctx;
};

struct ike_env {
	struct timers timers;
	struct kernel kernel;
	const struct ike_net_ops *net;
	void *net_ctx;
	mono_t (*now)(void *ctx);
	void *now_ctx;
	const struct ike_offer *offer; /* IKE suites; NULL: all. Lives as long as the engine */
	bool old_signatures;	    /* as a peer without RFC 7427, for tests of one */
	bool no_certreq;	    /* as a peer that asks for no certificate, likewise */
	int64_t (*wall)(void *ctx); /* seconds since 1970, of now_ctx; NULL: time(2) */
};

/* Copies @env. NULL: no memory. Nothing happens before ops->start. */
struct engine *engine_ike_new(const struct ike_env *env);
/* SAs still in the kernel stay there; keys are wiped, no event follows. Not from an event. */
void engine_ike_free(struct engine *engine);

/*
 * One received IKE message, without marker. @local: the address and port that
 * it came to. Never fails: what is wrong with it is counted and logged.
 */
void engine_ike_input(struct engine *engine, const struct endpoint *local,
		      const struct endpoint *peer, const uint8_t *bytes, size_t len, mono_t when);

/* ICMP: a datagram to @peer came back with @err (errno). Decides nothing (semantics.md §10). */
void engine_ike_unreachable(struct engine *engine, const struct endpoint *peer, int err,
			    mono_t when);

/*
 * XFRM says that ESP-in-UDP of SA @sa comes from @from now (§14.4). Followed only
 * when the peer is behind a NAT, and only its port. @impl of the engine.
 */
void engine_ike_mapping(void *impl, const struct kernel_sa_id *sa, const struct endpoint *from,
			mono_t when);

/* Before a remote has a certificate of ours. Copied. */
void engine_ike_set_signer(struct engine *engine, const struct ike_signer *signer);
/* @err 0: @job has this signature. An unknown job is no error: its set-up is over. */
void engine_ike_signed(struct engine *engine, uint32_t job, int err, const uint8_t *sig,
		       size_t len);

/*
 * XFRM says that a limit of @sa is reached (RFC 7296 §2.8). A soft one of a pair that
 * has carried something begins its rekey; a hard one of a pair that the caller knows
 * is the caller's. @impl of the engine.
 */
void engine_ike_expire(void *impl, const struct kernel_sa_id *sa, bool hard);

/* For metrics and tests. */
struct ike_counters {
	uint64_t sent, received;
	uint64_t malformed;	/* not IKE, or no session for it */
	uint64_t bad_icv;	/* dropped: not authentic */
	uint64_t out_of_window; /* dropped: wrong message ID, direction or exchange */
	uint64_t repeats;	/* responses sent again */
	uint64_t fragments, fragments_dropped; /* taken; replayed, or beyond our bounds */
	uint64_t clear_sent, hints; /* notifies in clear: answered with; looked at (RFC 6290) */
	uint64_t cookies; /* asked for, in the place of an answer */
	/* IKE_SA_INIT without an answer, by the limit that it met (half_open.h; max-sa). */
	uint64_t refused_source, refused_network, refused_total, refused_sas;
	unsigned half_open, theirs; /* now: in negotiation; all that peers began */
};

const struct ike_counters *engine_ike_counters(const struct engine *engine);

#define QCD_SECRET_LEN 32

/*
 * From now on peers get a token, by which they know at once when we have lost
 * their IKE SA (RFC 6290): @secret must be the same after a restart.
 */
void engine_ike_recoverable(struct engine *engine, const uint8_t secret[QCD_SECRET_LEN]);

/*
 * Debugging only: @fn gets a line of Wireshark's ikev2_decryption_table for every IKE
 * SA as soon as it has keys (keylog.h). It is wiped after the call.
 */
typedef void (*ike_keys_fn)(void *ctx, const char *line);
void engine_ike_export_keys(struct engine *engine, ike_keys_fn fn, void *ctx);

/* A message on the wire, as its header in clear has it. */
struct ike_trace {
	bool out;
	const struct endpoint *local, *peer;
	uint8_t spi_i[8], spi_r[8];
	const char *exchange; /* "IKE_AUTH" */
	bool response, from_initiator;
	uint32_t id;
	size_t len; /* of the message, or of this fragment */
};

typedef void (*ike_trace_fn)(void *ctx, const struct ike_trace *t);
/* @fn hears of every message from now on, before it is acted upon; NULL: nobody does. */
void engine_ike_trace(struct engine *engine, ike_trace_fn fn, void *ctx);

/* Messages that the queues had no room or no time for (inq.h). Of engine_ike_open(). */
uint64_t engine_ike_queue_dropped(const struct engine *engine);

/* The net_ctx that it was made with. */
void *engine_ike_net(const struct engine *engine);

/* ---- with real sockets: net.c ---- */

struct event_base;

/*
 * Opens the four sockets {IPv4, IPv6} × {500, 4500} (needs CAP_NET_ADMIN and
 * CAP_NET_BIND_SERVICE now, CAP_NET_ADMIN later) and an engine over them. @out
 * is the caller's; 0, -EADDRINUSE, -EPERM, other -errno.
 */
int engine_ike_open(struct event_base *base, const struct timers *timers,
		    const struct kernel *kernel, struct engine *out);
/* Closes the sockets, frees the engine. A zeroed @engine is fine. */
void engine_ike_close(struct engine *engine);

#endif
