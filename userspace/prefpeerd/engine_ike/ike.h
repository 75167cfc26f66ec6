/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the engine share: its objects, and the functions that each
 * file gives to the others, grouped under the .c that defines them.
 *
 * Ownership: struct ike owns remotes, sessions, inbound requests and queued
 * events; a session owns its set-up, tasks, children. One thread. An ended
 * session is in SES_DEAD until the next turn frees it, so that whoever is up
 * the stack may still look at its state.
 */
#ifndef ENGINE_IKE_IKE_H
#define ENGINE_IKE_IKE_H

#include <uthash.h>
#include <utlist.h>

#include "prefpeerd/engine_ike/cookie.h"
#include "prefpeerd/engine_ike/half_open.h"
#include "prefpeerd/engine_ike/dpd.h"
#include "prefpeerd/engine_ike/engine_ike.h"
#include "prefpeerd/engine_ike/frag.h"
#include "prefpeerd/engine_ike/natt.h"
#include "prefpeerd/engine_ike/payload.h"
#include "prefpeerd/engine_ike/proposal.h"

#define SETUPS_MAX 64	   /* own set-ups at once (design.md §4) */
#define HALF_OPEN_MS 10000
#define ABANDONED_MS 10000 /* §14.3 */
#define ZOMBIE_MS 10000	   /* how long a last response is kept for repeats */
#define HOLD_MS 15000	   /* an inbound request without a verdict is refused */
#define RESEND_MIN_MS 100  /* between two sendings of one response */
#define COOKIES_MAX 2
#define INVALID_KE_MAX 1
#define SETUP_GRACE_MS 1000  /* beyond the caller's budget, then we give up by ourselves */
#define REKEY_SETTLE_MS 1000 /* how often it is looked for that the peer uses its rekeyed pair */
#define REKEY_SETTLE_MAX_MS 180000 /* nobody asks again for that long */
#define REKEY_LINGER_MS 5000 /* a replaced inbound SA: for what is still on its way (§12) */
#define REKEY_RETRY_MS 1000  /* after a refusal; doubled each time */
#define REKEY_RETRY_MAX_MS 16000
#define REKEYED_MS 180000 /* a replaced IKE SA waits so long for the peer's DELETE: likewise */
#define REPLAY_WINDOW 64     /* packets, semantics.md §4.6 */
#define BUSY_MAX_MS 180000 /* TEMPORARY_FAILURE and nothing else: out of step (RFC 7296 §2.25) */
#define EVENT_TEXT_MAX 256
#define FRAG_FALLBACK 2 /* sendings in vain, then smaller fragments (RFC 7383 §2.5.2) */
#define QCD_TOKEN_LEN 16     /* ours; RFC 6290: 16 to 128 */
#define QCD_TOKEN_MAX 128
#define CLEAR_PER_SECOND 50 /* messages in clear that are answered, and that are looked at */
#define HINT_EACH_MS 10000  /* liveness checks of one IKE SA that hints may bring about */
#define CROSSING_NONCE 32 /* bytes of nonces that are compared */

struct ike;
struct session;

struct remote {
	remote_id id;
	struct engine_remote r; /* what it points to is ours */
	uint32_t srtt_us; /* of the last IKE SA with it */
	UT_hash_handle hh;
};

/* ---- child SAs ---- */

enum child_state {
	CHILD_QUEUED,  /* its request has not been sent */
	CHILD_OPENING, /* its request is outstanding */
	CHILD_UP,
	CHILD_OUT_GONE, /* CLOSE_OUT: only the inbound SA is left */
	CHILD_DELETING, /* DELETE queued or outstanding; the inbound SA may be left */
	CHILD_RIVAL,	/* the peer's rekey of a pair that we are rekeying: inbound only (§2.8.1) */
	CHILD_LOST,	/* such a one, and ours won: the peer deletes it */
	CHILD_LINGER,	/* deleted at both ends, but for the inbound SA, which goes by itself */
};

struct child {
	struct session *s;
	child_id id;
	struct engine_child want;
	struct engine_child *later; /* what its successor is to be, where that has changed; or NULL */
	enum child_state state;
	bool cancelled; /* closed while OPENING: deleted if the peer accepts, never installed */
	bool replaced;	/* rekeyed: its id belongs to the successor */
	bool unproven;	/* the peer asked for it, and may not have our answer yet */
	mono_t answered;
	bool delete_blind; /* our DELETE was sent while it was */
	bool watched;	/* unused at its soft end: its next packet is the soft end */
	struct child *rekeys; /* the pair that it is to replace; NULL once it has, or that is gone */
	struct engine_pair pair;
	mono_t made; /* the pair */
	uint8_t nonce[IKE_NONCE_OURS]; /* of our CREATE_CHILD_SA request */
	uint8_t low_nonce[CROSSING_NONCE]; /* the lower of both of the exchange that made it */
	struct crypto_dh *dh; /* of our request, with PFS */
	uint32_t soft_s; /* 0 = none */
	uint64_t soft_bytes;
	unsigned rekey_tries; /* refused ones */
	bool in_installed, out_installed;
	struct kernel_sa *out_later; /* with keys: to be installed when the peer is ready for it */
	struct timer out_timer;
	struct timer late_timer; /* UP: rekey again. DELETING: DELETE again. LINGER: the end */
	struct child *prev, *next;
};

/* ---- requests of ours ---- */

enum task_kind {
	TASK_INIT,
	TASK_AUTH,
	TASK_CHILD,
	TASK_REKEY, /* of the IKE SA */
	TASK_DEL_CHILD,
	TASK_DEL_IKE,
	TASK_PROBE,
	TASK_TOKEN, /* of a rekeyed IKE SA (RFC 6290) */
};

struct task {
	enum task_kind kind;
	struct child *child; /* NULL once that child is gone */
	uint32_t spi;	     /* DEL_CHILD without a child: our SPI of a pair that never came up, */
	uint8_t protocol;    /* and of which protocol */
	struct task *prev, *next;
};

/* The outstanding request: the window is 1 (§14.2). */
struct request {
	struct task *task; /* NULL: none outstanding */
	uint32_t id;
	uint8_t *bytes; /* datagrams, one after the other: frag_next() */
	size_t len;
	struct msg_out *plain; /* to be cut finer; NULL where that cannot be */
	struct curve curve;
	mono_t first_sent; /* of all */
	mono_t curve_start;
	mono_t known_in; /* what came in later is no sign of death; not before curve_start */
	unsigned sent; /* on this curve */
	unsigned total, restarts;
};

/* Our last response, byte for byte, and the request that it answers. */
struct response {
	uint8_t request_hash[CRYPTO_SHA256_LEN]; /* of its first fragment, where it had several */
	unsigned request_total;			 /* fragments; 1 of one that came whole */
	uint8_t *bytes;				 /* datagrams, one after the other: frag_next() */
	size_t len;
	struct msg_out *plain; /* to be cut finer; NULL where that cannot be */
	unsigned repeats;
	mono_t sent;
	bool have_request;
};

/* RFC 7383 of an IKE SA; a rekeyed one inherits on and mtu. */
struct fragmenting {
	bool on;      /* both have announced it */
	uint16_t mtu; /* of our IP datagrams; 0 = as §2.5.1 recommends */
	struct reassembly *request, *response; /* that are being collected */
};

/* ---- IKE SAs ---- */

enum session_state {
	SES_INIT,      /* initiator, IKE_SA_INIT outstanding */
	SES_AUTH,      /* initiator, IKE_AUTH outstanding */
	SES_HALF_OPEN, /* responder, IKE_SA_INIT answered */
	SES_HELD,      /* responder, IKE_AUTH is authentic, the verdict is awaited */
	SES_UP,
	SES_CLOSING,   /* DELETE queued or outstanding */
	SES_ABANDONED, /* initiator, IKE_AUTH left behind: a late response gets DELETE */
	SES_REKEYING,  /* heir of another one, which we asked for or are answering */
	SES_RIVAL,     /* heir that the peer asked for while ours was asked for (§2.8.2) */
	SES_REKEYED,   /* replaced: waits for the peer's DELETE */
	SES_ZOMBIE,    /* no keys: answers repeats of the peer's last request */
	SES_DEAD,
};

/* What only a set-up needs; freed when it ends. */
struct setup {
	struct crypto_dh *dh;
	uint8_t ni[IKE_NONCE_MAX], nr[IKE_NONCE_MAX];
	size_t ni_len, nr_len;
	uint8_t *msg_i, *msg_r; /* both IKE_SA_INIT messages, for AUTH */
	size_t msg_i_len, msg_r_len;
	uint8_t cookie[IKE_COOKIE_MAX];
	size_t cookie_len;
	unsigned n_cookies, n_invalid_ke;
	bool answered;
	struct engine_budget budget;
	mono_t deadline; /* of Answer, then of Finish */
	struct child *first;
	/* Authentication by certificate: auth_cert.c. */
	unsigned peer_hashes; /* 1 << enum pki_hash; 0: the peer has no RFC 7427 */
	bool cert_wanted;     /* CERTREQ came, or ours is sent unasked */
	uint32_t job;	      /* the signature that is being made; 0 = none */
	enum pki_scheme scheme;
	uint8_t *sig;
	size_t sig_len;
	bool old_key;	     /* ours is the former of two pre-shared keys, or was the peer's */
	struct pki_own *own; /* whose key makes it; what CERT says goes with it */
	struct ike_id id;    /* that it covers */
};

struct init_key { /* of a half-open responder session */
	uint8_t hash[CRYPTO_SHA256_LEN];
	uint8_t addr[16];
	uint16_t port, family;
};

struct session {
	struct ike *e;
	enum session_state state;
	conn_id conn; /* 0: not (or no longer) known to the caller */
	remote_id remote;
	bool initiator;
	struct endpoint local, peer;
	uint8_t spi_i[IKE_SPI_LEN], spi_r[IKE_SPI_LEN];
	struct ike_suite suite;
	struct ike_keys keys;
	bool has_keys;
	uint64_t iv_counter;
	struct natt natt;
	uint32_t natt_ms; /* between keepalives */
	struct fragmenting frag;
	uint8_t qcd_token[QCD_TOKEN_MAX]; /* the peer's (RFC 6290) */
	size_t qcd_len;
	mono_t hinted; /* a hint in clear brought about a liveness check */
	struct dpd dpd;
	struct ike_id peer_id;
	struct setup *setup;
	struct task *tasks;
	struct request rq;
	uint32_t next_out, next_in;
	struct response rs;
	struct inbound *held;
	struct child *children;
	bool counted; /* the last reading of the peer was of counters only */
	struct timer retry_timer, dpd_timer, natt_timer, expiry_timer, life_timer, cert_timer;
	mono_t created, since, heard, last_sent;
	uint32_t srtt_us;
	bool srtt_rough; /* no request that was sent once has been answered yet */
	uint64_t tx, rx, retransmits;
	struct init_key init_key;
	bool theirs; /* the peer began it, or the one that this has come from */
	bool half_open_counted;
	struct addr counted_from; /* the peer may float to another address */
	uint8_t low_nonce[CROSSING_NONCE]; /* the lower of Ni and Nr */
	uint32_t lifetime_s;		   /* 0 = none */
	mono_t life_end;
	int64_t certs_end; /* wall clock: the first certificate that proved it expires; 0 = none did */
	unsigned rekey_tries; /* refused ones */
	mono_t busy_since; /* the first TEMPORARY_FAILURE in a row; UNSET = the last answer was none */
	/* While it is rekeyed: */
	struct session *heir;  /* asked for by us */
	struct session *rival; /* asked for by the peer at the same time */
	struct session *old;   /* of those two: what is to be replaced */
	uint8_t rekey_nonce[CROSSING_NONCE]; /* and the lower nonce of their exchange */
	struct session *prev, *next;
	UT_hash_handle hh_spi, hh_conn, hh_init;
};

/* A child SA that a peer asks for, and what is needed to answer it. */
struct inbound {
	uint32_t id; /* 0: needs no verdict (rekey) */
	struct session *s;
	uint8_t exchange;
	uint8_t *sa; /* copy of the SA payload's body */
	size_t sa_len;
	struct ts_list tsi, tsr;
	uint8_t nonce[IKE_NONCE_MAX];
	size_t nonce_len;
	uint16_t ke_group; /* 0: no KE payload */
	uint8_t ke[CRYPTO_DH_PUB_MAX];
	size_t ke_len;
	struct child *rekeys; /* REKEY_SA named it */
	bool transport;	      /* USE_TRANSPORT_MODE */
	struct timer timer;   /* the hold's end */
	bool parked;	      /* the caller has not been asked yet: crossing.c */
	struct inbound *prev, *next;
};

struct queued_event {
	struct engine_event ev;
	char text[EVENT_TEXT_MAX];
	struct queued_event *prev, *next;
};

/* So many in a second. */
struct budget {
	mono_t since;
	unsigned n;
};

struct ike {
	struct engine port;
	struct ike_env env;
	engine_event_fn fn;
	void *fn_ctx;
	bool stopping;
	struct remote *remotes;
	struct session *sessions, *graveyard;
	struct session *by_spi, *by_conn, *by_init;
	struct half_open half_open;
	unsigned n_setups, n_theirs; /* own set-ups; sessions that peers began */
	struct inbound *inbounds;
	uint32_t last_inbound;
	struct queued_event *events;
	struct timer turn_timer, stop_timer;
	struct cookie_jar jar;
	struct ike_signer signer;
	uint32_t last_job;
	struct engine_settings settings;
	const struct ike_offer *default_offer; /* where the settings have none */
	struct budget clear_in, clear_out;
	bool qcd_maker;
	uint8_t qcd_secret[QCD_SECRET_LEN];
	ike_keys_fn keys_fn; /* NULL, but for debugging */
	void *keys_ctx;
	ike_trace_fn trace_fn; /* NULL: nobody listens */
	void *trace_ctx;
	struct ike_counters counters;
	uint8_t scratch[MSG_IN_MAX]; /* a received message, decrypted in place */
};

/* ---- trace.c ---- */

/* The net's send(), seen by whoever traces. */
int ike_net_send(struct ike *e, const struct endpoint *local, const struct endpoint *peer,
		 const uint8_t *bytes, size_t len);
void trace_message(struct ike *e, bool out, const struct endpoint *local,
		   const struct endpoint *peer, const uint8_t *bytes, size_t len);

static inline mono_t ike_now(const struct ike *e)
{
	return e->env.now(e->env.now_ctx);
}

/* ---- event.c: out to the caller ---- */
/* Queue an event; fill in what it carries. Never NULL. s may be NULL. */
struct engine_event *ike_event(struct ike *e, struct session *s, enum engine_event_type type);
/* The sentence of the event that ike_event returned. */
void ike_event_text(struct engine_event *ev, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void events_turn(struct ike *e);
void events_free(struct ike *e);
void ike_schedule(struct ike *e); /* a turn soon: events, graves */

/* ---- engine.c ---- */
struct remote *remote_find(struct ike *e, remote_id id);
/* What is offered and accepted from that address of ours. */
const struct ike_offer *ike_offer_at(const struct ike *e, const struct addr *local);
void engine_session_ended(struct ike *e); /* for stop */
/*
 * A set-up of ours once more from IKE_SA_INIT on, with its child, name and budget: @s is the
 * peer's no more, and only to be ended. With the former pre-shared key this time.
 */
bool setup_again(struct session *s);

/* ---- session.c: the table, the one door of states, death ---- */
struct session *session_new(struct ike *e, bool initiator);
/* To take the place of @old. */
struct session *session_new_heir(struct session *old, bool initiator);
void session_set_state(struct session *s, enum session_state to, const char *reason);
const char *session_state_name(enum session_state state);
const uint8_t *session_our_spi(const struct session *s);
struct session *session_by_spi(struct ike *e, const uint8_t spi[IKE_SPI_LEN]);
struct session *session_by_conn(struct ike *e, conn_id conn);
void session_name(struct session *s, conn_id conn);
/* @to is what the caller means by that name from now on. */
void session_rename(struct session *from, struct session *to);
/* Replaced: no timers any more, but those of requests. */
void session_retire(struct session *s);
/* An heir is up. */
void session_take_up(struct session *s, const char *how);
bool session_add_half_open(struct session *s); /* false: no memory */
void session_setup_done(struct session *s);
void session_established(struct session *s);
/* An authenticated message came in. */
void session_heard(struct session *s, const struct endpoint *local, const struct endpoint *peer,
		   mono_t when);
/* The peer's datagrams come from another port now (§14.4); nothing unless it is behind a NAT. */
void session_follow(struct session *s, const struct endpoint *peer);
void session_rtt(struct session *s, int64_t us, bool sent_once);
void session_arm_dpd(struct session *s);
/* All datagrams of a message; the first error. */
int session_send(struct session *s, const uint8_t *bytes, size_t len);
struct msg_cipher session_cipher(const struct session *s, bool ours);
bool session_encap(const struct session *s);
mono_t session_last_in(const struct session *s);
/* Its keys are new: to whom asked for them, if anyone did (keylog.c). */
void session_export_keys(const struct session *s);
void session_fill_info(const struct session *s, struct engine_conn_info *out);
/*
 * The one way out: children first, then ENG_DOWN if the caller knows it, keys
 * wiped. Becomes a zombie while a last response may be asked for again.
 */
void session_end(struct session *s, enum engine_why why, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Tell the caller that it is gone, and forget its name; what follows is between us and the peer. */
void session_report_down(struct session *s, enum engine_why why, const char *text);
/* CLOSE_DELETE of an established one. */
void session_close(struct session *s, enum engine_why why, const char *reason);
void session_abandon(struct session *s);
void session_free(struct session *s);
void sessions_bury(struct ike *e);

/* ---- exchange.c: requests out, responses out, message IDs ---- */
struct task *task_push(struct session *s, enum task_kind kind, struct child *c);
void tasks_forget_child(struct session *s, struct child *c);
void tasks_free(struct session *s);
/* Send the next task's request unless one is outstanding. */
void exchange_next(struct session *s);
/* The outstanding request is answered, or given up. */
void request_done(struct session *s);
/* The outstanding request's curve begins anew, with a sending. */
void request_again(struct session *s);
/* In clear: @m as it is. */
int request_start(struct session *s, struct task *t, struct msg_out *m, const struct curve *curve);
void exchange_input(struct session *s, const struct ike_header *h, const struct endpoint *local,
		    const struct endpoint *peer, uint8_t *bytes, size_t len, mono_t when);
void reply_begin(struct session *s, uint8_t exchange, struct msg_out *m);
/* Seal, keep, send; the window moves on. */
void reply_send(struct session *s, struct msg_out *m);
void reply_notify(struct session *s, uint8_t exchange, uint16_t type);
/* Takes over @bytes. */
void response_keep(struct session *s, uint8_t *bytes, size_t len);
/* A request once more: ours once more, if it is the same byte for byte. */
void response_repeat(struct session *s, const uint8_t *request, size_t len, mono_t when);
void response_forget(struct session *s);
uint8_t *bytes_dup(const void *p, size_t len);
void free_wiped(void *p, size_t len);

/* ---- xchg_init.c ---- */
int init_start(struct session *s, struct task *t);
void init_response(struct session *s, const struct ike_header *h, const struct endpoint *peer,
		   const uint8_t *bytes, size_t len, mono_t when);
void init_request(struct ike *e, const struct ike_header *h, const struct endpoint *local,
		  const struct endpoint *peer, const uint8_t *bytes, size_t len, mono_t when);

/* ---- xchg_auth.c ---- */
/* IKE_SA_INIT is answered: IKE_AUTH follows, once it is signed. */
void auth_start(struct session *s);
/* The signature that auth_sign() asked for is there, or @err. */
void auth_signed(struct session *s, int err);
int auth_build(struct session *s, struct task *t, struct msg_out *m);
void auth_response(struct session *s, struct task *t, const struct payloads *p);
void auth_request(struct session *s, const struct payloads *p);
void auth_verdict(struct session *s, struct inbound *in, const struct engine_verdict *v);

/* ---- auth_cert.c: AUTH by certificate ---- */
struct auth_in;
void put_hash_algorithms(struct msg_out *m);
void auth_take_hash_algorithms(struct setup *su, const struct payloads *p);
/* The peer's CERTREQ, whatever CAs it names (RFC 4945 §3.3.7). */
void auth_take_certreq(struct setup *su, const struct payloads *p);
/* Which CAs we trust for @r. */
void put_certreq(struct msg_out *m, const struct ike *e, const struct remote *r);
/* The same for whoever might come from there, in at most @room bytes. */
void put_certreq_for(struct msg_out *m, const struct ike *e, const struct addr *peer, size_t room);
/* Have it signed: auth_signed() follows. 0; or -errno and a sentence. */
int auth_sign(struct session *s, const struct remote *r, const struct auth_in *in,
	      char *why, size_t size);
/* CERT, if it was asked for. */
void put_own_certs(struct msg_out *m, const struct setup *su);
/* AUTH with the signature that is there. */
int put_signature(struct msg_out *m, const struct setup *su);
/* The peer proves by certificate and signature that it is @id. False: @why is a sentence. */
/* Its first certificate, unverified, is one of @r's map: to choose by, never to trust. */
bool auth_leaf_passes(const struct remote *r, const struct payloads *p);
bool auth_verify_signature(struct session *s, const struct remote *r,
			   const struct payloads *p, const struct pld_auth *auth,
			   const struct auth_in *in, const struct ike_id *id, char *why,
			   size_t size);
void auth_forget(struct setup *su);
/* What certificates are judged by: seconds since 1970. */
int64_t ike_wall(const struct ike *e);

/* ---- xchg_child.c ---- */
int child_build(struct session *s, struct task *t, struct msg_out *m);
void child_response(struct session *s, struct task *t, const struct payloads *p);
void child_request(struct session *s, const struct payloads *p);
void child_verdict(struct session *s, struct inbound *in, const struct engine_verdict *v);
/* @nonce: NULL in IKE_AUTH, whose child has neither nonce nor Diffie-Hellman of its own. */
int put_child_offer(struct msg_out *m, const struct child *c, const uint8_t *nonce);

/* What came of taking the peer's answer. */
struct child_outcome {
	enum engine_why why; /* NONE: it is up */
	char text[EVENT_TEXT_MAX];
};

/*
 * Our offer was answered by @p: install, or say why not. With @later only the
 * inbound SA; the outbound one is put there, with keys.
 */
void child_take_answer(struct child *c, const struct payloads *p, struct chunk ni, struct chunk nr,
		       struct kernel_sa *later, struct child_outcome *out);
/* Up for the peer, and not for us: freed, and deleted there by the SPI that we offered. */
void child_delete_orphan(struct child *c);
/* Report a taken answer, and delete at the peer what it believes to be up and is not. */
void child_settle(struct child *c, const struct child_outcome *out);

/* ---- inbound.c: child SAs that the peer asks for ---- */
/* NULL: malformed or no memory. Without a nonce payload (IKE_AUTH) the nonce stays empty. */
struct inbound *inbound_new(struct session *s, uint8_t exchange, const struct payloads *p);
void inbound_free(struct inbound *in);
struct inbound *inbound_find(struct ike *e, uint32_t id);
/* The session answers no other request until the verdict; refused when none comes. */
void inbound_park(struct session *s, struct inbound *in);
/* The same, and ENG_INBOUND asks for the verdict. */
void inbound_hold(struct session *s, struct inbound *in);
/* The request went, with its session: ENG_INBOUND_GONE. */
void inbound_gone(struct inbound *in);
struct inbound_answer {
	uint16_t notify;       /* 0: accepted; else the error to answer with */
	uint16_t notify_group; /* INVALID_KE_PAYLOAD: the group that would do */
	struct child *child;
	/* To be installed once the answer is sent; wiped by inbound_finish, and with a notify. */
	struct kernel_sa out;
};
/* Agree on a suite, install the inbound SA, write SA … TSr to @m unless it fails. */
void inbound_answer(struct inbound *in, const struct engine_child *want, struct msg_out *m,
		    struct inbound_answer *out);
/* After the answer was sent: the outbound SA, and the event. */
void inbound_finish(struct inbound *in, struct inbound_answer *a);
/* The caller accepted, and we answered with @notify all the same: ENG_CHILD_FAILED. */
void inbound_refused(struct session *s, const struct engine_verdict *v, uint16_t notify);

/* ---- rekey_child.c: which pair takes another's place, and when (RFC 7296 §2.8) ---- */
/* Ask for a successor, unless that is under way already or makes no sense any more. */
void rekey_child_start(struct child *old);
/* The peer answered our request. */
void rekey_child_settle(struct child *c, struct kernel_sa *out_sa, const struct child_outcome *out);
/* We answered the peer's request for @c; @out is wiped by the caller. */
void rekey_child_answered(struct child *c, const struct kernel_sa *out);
/* May the peer rekey it now? If not, the notify to answer with; 0 = it may. */
uint16_t rekey_child_refusal(const struct child *old);
/* The peer deletes @c, which is or is being replaced: true, and it lingers. */
bool rekey_child_peer_deletes(struct child *c);
/* @old is closed or gone: what was to replace it has nothing to replace. */
void rekey_child_forget(struct child *old);
/* Only the inbound SA is left, and not for long. */
void child_linger(struct child *c);

/* ---- xchg_rekey.c: which IKE SA takes another's place ---- */
void rekey_ike_start(struct session *s);
/* It came to nothing: the peer's takes over, if there is one, or it is tried again. */
void rekey_ike_failed(struct session *s, const char *text);
/* Between our request, or the peer's that crossed it, and the decision. */
bool rekey_ike_under_way(const struct session *s);
int rekey_ike_build(struct session *s, struct task *t, struct msg_out *m);
void rekey_ike_response(struct session *s, struct task *t, const struct payloads *p);
void rekey_ike_request(struct session *s, const struct payloads *p);
/* A request came on @s, a rival: the peer uses it, unless it just deletes it. */
void rekey_ike_peer_uses(struct session *s, const struct payloads *p);
/* The peer deletes it: whatever it rekeyed it to takes over. */
void rekey_ike_peer_deletes(struct session *s);
/* It ends, or is closed (@tell: the peer will be told of the heirs as well). */
void rekey_ike_forget(struct session *s, bool tell);

/* ---- lifetime.c: when ---- */
/* An IKE SA begins. */
void lifetime_begin(struct session *s);
/* Its rekey was refused: again later, unless its end comes first. */
void lifetime_again(struct session *s);
void lifetime_fire(struct timer *t, mono_t now);
/* It is proved by certificates until then, ours or the peer's: the first end counts. */
void lifetime_certs(struct session *s, int64_t end);
void lifetime_certs_fire(struct timer *t, mono_t now);
/* After so many refusals: doubled each time, and at random, since the peer may do the same. */
uint32_t lifetime_retry_ms(unsigned tries);
/* The peer's answer to a CREATE_CHILD_SA had that error; 0 = none. Last of what is done about it. */
void lifetime_busy(struct session *s, uint16_t error);
/* What that SA has carried, as the kernel has it; 0 when it is not there. */
uint64_t child_packets(const struct child *c, enum sa_dir dir);
/* Draw the soft limits of a pair that is about to be installed. */
void lifetime_draw(struct child *c);

/* ---- crossing.c: both ends began at once ---- */
/* The lower of two nonces. */
void nonce_lower(uint8_t low[CROSSING_NONCE], struct chunk a, struct chunk b);
enum crossing {
	CROSSING_NONE,
	CROSSING_WAIT, /* ours wins, and is not up yet */
	CROSSING_LOST, /* ours won */
};

/* Both nonces are known. */
void crossing_note(struct session *s);
/* About an authenticated session of the peer's. */
enum crossing crossing_judge(const struct session *s);
/* A set-up of ours ended, or is up: whoever waited for that. */
void crossing_turn(struct ike *e);

/* ---- xchg_info.c ---- */
int probe_build(struct session *s, struct task *t, struct msg_out *m);
int token_build(struct session *s, struct task *t, struct msg_out *m);
void probe_response(struct session *s, struct task *t, const struct payloads *p);
int del_child_build(struct session *s, struct task *t, struct msg_out *m);
void del_child_response(struct session *s, struct task *t, const struct payloads *p);
int del_ike_build(struct session *s, struct task *t, struct msg_out *m);
void del_ike_response(struct session *s, struct task *t, const struct payloads *p);
void info_request(struct session *s, const struct payloads *p);
/* Among its payloads is the DELETE of the IKE SA that it came on. */
bool deletes_ike_sa(const struct payloads *p);

/* ---- recovery.c: after a crash, and what is said in clear ---- */
/* Our token for this IKE SA, under its protection; nothing without a secret that is kept. */
void put_qcd_token(struct msg_out *m, const struct session *s);
/* The peer's, in an authentic message. */
void qcd_take(struct session *s, const struct payloads *p);
/* A message for an IKE SA that is not ours, or not any more. */
void recovery_unknown(struct ike *e, const struct ike_header *h, const struct endpoint *local,
		      const struct endpoint *peer, size_t len);
void recovery_version(struct ike *e, const struct ike_header *h, const struct endpoint *local,
		      const struct endpoint *peer, size_t len);
/* True: it is a notify in clear, and was looked at. */
bool recovery_clear(struct ike *e, const struct ike_header *h, const struct endpoint *peer,
		    const uint8_t *bytes, size_t len);

/* ---- child.c: SAs in the kernel ---- */
struct child *child_new(struct session *s, const struct engine_child *want);
struct child *child_find(struct session *s, child_id id);
/* What is to take the place of @c: what it was asked for with, but for later changes (§4.8). */
struct engine_child child_successor(const struct child *c);
void child_change(struct child *c, const struct engine_child *want);
/* @protocol: PROTO_ID_ESP or AH, whose SPIs are apart; NONE: either. */
struct child *child_by_spi_out(struct session *s, uint8_t protocol, uint32_t spi);
/* Draws spi_in (§12: never ALLOCSPI) and fills what of the pair the session knows. */
int child_draw_spi(struct child *c);
void child_set_pair(struct child *c, const struct esp_choice *choice, const struct selector *sel);
struct kernel_sa_id child_sa_id(const struct child *c, enum sa_dir dir);
void child_fill_sa(const struct child *c, enum sa_dir dir, const struct esp_keys *keys,
		   struct kernel_sa *sa);
int child_install(struct child *c, const struct kernel_sa *sa);
/*
 * Its outbound SA, with keys, until child_install_pending(); soon: when the peer sends on its
 * side of it, which shows that our answer arrived, or must have had it long ago.
 */
void child_keep_out(struct child *c, const struct kernel_sa *sa);
void child_install_soon(struct child *c);
void child_install_pending(struct child *c);
void child_remove_out(struct child *c);
void child_remove_in(struct child *c);
/* Remove what is in the kernel, forget it. No event. */
void child_free(struct child *c);
/* The peer's UDP port moved (§14.4). */
void child_move_port(struct child *c, uint16_t port);
/* Its SAs in the kernel get encapsulation and limits as they should be now. */
void child_update(struct child *c);
/* The outbound SA goes, DELETE is queued; the caller hears no more of it. */
void child_start_delete(struct child *c);
int child_close(struct child *c, enum engine_close how);
void ike_event_child(struct child *c, enum engine_event_type type, enum engine_why why,
		     const char *text);
/* Has the peer got our answer to its request for it, as far as can be seen? */
bool child_is_proven(const struct child *c);
/* A further request of the peer's: it has all our answers to those before (window 1). */
void children_proven(struct session *s);
/* Error notify → reason. */
enum engine_why notify_why(uint16_t type);

/* ---- mode.c: AH or ESP, transport or tunnel ---- */
/* Of all its suites: an entry has sets of one protocol (conf/check_sets.c). */
uint8_t child_protocol(const struct child *c);
/* Why it cannot be at all between these two ends, a sentence; NULL: it can. */
const char *child_cannot(const struct child *c);
/* USE_TRANSPORT_MODE, where we ask for it. */
void put_mode(struct msg_out *m, const struct child *c);
/* The mode of the peer's answer; NULL, or why it cannot be taken. */
const char *child_take_mode(struct child *c, const struct payloads *p);
/*
 * The mode of our answer to a peer that asks, or not, for transport; @rekeys: what it is to
 * replace. After child_set_pair(). NULL, or why it is refused.
 */
const char *child_choose_mode(struct child *c, bool asked, const struct child *rekeys);

#endif
