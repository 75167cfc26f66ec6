// SPDX-License-Identifier: GPL-2.0-or-later
/* The module: its events and readings, and its coming and going. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "lib/pp_nl.h"
#include "prefpeerd/kernel_impl.h"

#define AREA "kernel"
#define RCVBUF (8 << 20) /* bytes */

/* ---- readings --------------------------------------------------------------- */

bool kernel_has_module(void *impl)
{
	struct kernel_linux *k = impl;

	return k->module.nl;
}

static mono_t instant(const struct pp_attrs *a, int type, uint64_t ns)
{
	return PP_HAS(a, type) ? (mono_t){ (int64_t)ns } : MONO_UNSET;
}

int kernel_pair_read(void *impl, const struct kernel_pair_key *key, struct kernel_pair_reading *out)
{
	struct kernel_linux *k = impl;
	struct pp_attrs q = { 0 }, a;
	int err;

	if (!k->module.nl) {
		err = kernel_poll_look(k);
		return err ? err : poll_pair(k->poll, key, out);
	}
	pp_set_addr(&q, PP_LOCAL, &key->local);
	pp_set_addr(&q, PP_REMOTE, &key->peer);
	PP_SET(&q, REQID, reqid, key->reqid);
	err = pp_nl_do(k->module.nl, PREFPEER_CMD_PAIR_GET, &q, &a);
	if (err)
		return err;
	*out = (struct kernel_pair_reading){
		.last_use = instant(&a, PREFPEER_A_LAST_USE, a.last_use),
		.idle_ms = PP_HAS(&a.meta, PREFPEER_A_META_IDLE_TIME) ? a.meta.idle_time : 0,
	};
	return 0;
}

static void peer_request(const struct kernel_peer_key *key, struct pp_attrs *q)
{
	memset(q, 0, sizeof(*q));
	pp_set_addr(q, PP_LOCAL, &key->local);
	pp_set_addr(q, PP_REMOTE, &key->peer);
	PP_SET(q, ENCAP_PORT, encap_port, key->encap_port);
}

int kernel_peer_read(void *impl, const struct kernel_peer_key *key, struct kernel_peer_reading *out)
{
	struct kernel_linux *k = impl;
	struct pp_attrs q, a;
	int err;

	if (!k->module.nl) {
		err = kernel_poll_look(k);
		return err ? err : poll_peer(k->poll, key, out);
	}
	peer_request(key, &q);
	err = pp_nl_do(k->module.nl, PREFPEER_CMD_PEER_GET, &q, &a);
	if (err)
		return err;
	*out = (struct kernel_peer_reading){
		.last_in = instant(&a, PREFPEER_A_LAST_IN, a.last_in),
		.last_out = instant(&a, PREFPEER_A_LAST_OUT, a.last_out),
		.heard = instant(&a, PREFPEER_A_HEARD, a.heard),
		.counted = !(a.flags & PREFPEER_FLAG_LASTUSED),
	};
	return 0;
}

int kernel_peer_heard(void *impl, const struct kernel_peer_key *key, mono_t when)
{
	struct kernel_linux *k = impl;
	struct pp_attrs q;

	if (!k->module.nl)
		return poll_heard(k->poll, key, when);
	peer_request(key, &q);
	PP_SET(&q, STAMP, stamp, (uint64_t)when.ns);
	/* An unknown peer, one without SAs, is no error (kernel.md §13). */
	return pp_nl_tell(k->module.nl, PREFPEER_CMD_PEER_HEARD, &q);
}

/* ---- events ----------------------------------------------------------------- */

static void on_pair_idle(struct kernel_linux *k, const struct pp_attrs *a)
{
	struct kernel_event ev = {
		.type = KEV_PAIR_IDLE,
		.when = instant(a, PREFPEER_A_STAMP, a->stamp),
		.last_use = instant(a, PREFPEER_A_LAST_USE, a->last_use),
		.reqid = a->reqid,
		.pair = { .local = a->local, .peer = a->remote, .reqid = a->reqid },
	};

	/* kernel.md §13: a pair with one direction only is torn down by nobody. */
	if (!(a->flags & PREFPEER_FLAG_ONE_SIDED) && kernel_reqid_is_ours(a->reqid))
		kernel_tell(k, &ev, mono_now());
}

static void on_one_way(struct kernel_linux *k, const struct pp_attrs *a)
{
	struct kernel_event ev = {
		.type = KEV_PEER_ONE_WAY,
		.when = instant(a, PREFPEER_A_STAMP, a->stamp),
		.peer = { .local = a->local, .peer = a->remote, .encap_port = a->encap_port },
		.repeat = a->repeat,
	};

	kernel_tell(k, &ev, mono_now());
}

/* XFRM itself tells of DELSA and hard expiry; the module adds what XFRM does not tell. */
static void on_sa_gone(struct kernel_linux *k, const struct pp_attrs *a)
{
	struct kernel_event ev = {
		.type = KEV_SA_GONE,
		.when = instant(a, PREFPEER_A_STAMP, a->stamp),
		.reqid = a->reqid,
		.sa = { .dst = a->dst, .spi = a->spi, .proto = a->proto,
			.mark = a->mark, .mark_mask = a->mark_mask },
	};

	if ((a->reason == PREFPEER_REASON_FLUSHED || a->reason == PREFPEER_REASON_VANISHED) &&
	    kernel_reqid_is_ours(a->reqid))
		kernel_tell(k, &ev, mono_now());
}

static int attach(struct kernel_linux *k)
{
	int err;

	if (k->module.nl)
		return 0;
	err = pp_nl_open(&k->module.nl);
	if (err) {
		k->module.nl = NULL;
		return err;
	}
	kernel_rules_install(k);
	kernel_poll_adjust(k);
	return 0;
}

static void detach(struct kernel_linux *k)
{
	pp_nl_close(k->module.nl);
	k->module.nl = NULL;
	k->module.purged = false;
	kernel_poll_adjust(k);
}

static void on_module_up(struct kernel_linux *k)
{
	struct kernel_event ev = { .type = KEV_MODULE_UP };

	if (k->module.nl || attach(k))
		return;
	log_notice(AREA, "the module prefpeer is here; XFRM is polled no more");
	kernel_tell(k, &ev, mono_now());
}

static void on_module_down(struct kernel_linux *k)
{
	struct kernel_event ev = { .type = KEV_MODULE_DOWN };

	if (!k->module.nl)
		return;
	detach(k);
	log_warn(AREA, "the module prefpeer went; idleness is polled from XFRM until it is back");
	kernel_tell(k, &ev, mono_now());
}

static void on_event(void *ctx, const struct pp_event *ev)
{
	struct kernel_linux *k = ctx;

	switch (ev->cmd) {
	case PREFPEER_CMD_PAIR_IDLE_NTF:
		on_pair_idle(k, &ev->a);
		break;
	case PREFPEER_CMD_PEER_ONE_WAY_NTF:
		on_one_way(k, &ev->a);
		break;
	case PREFPEER_CMD_SA_GONE_NTF:
		on_sa_gone(k, &ev->a);
		break;
	case PP_EV_MODULE_UP:
		on_module_up(k);
		break;
	case PP_EV_MODULE_DOWN:
		on_module_down(k);
		break;
	case PP_EV_LOST:
	case PP_EV_OVERRUN:
		k->module.lost = true;
		break;
	}
}

static void readable(evutil_socket_t fd, short what, void *ctx)
{
	struct kernel_linux *k = ctx;
	int err = pp_listen_read(k->module.listener, on_event, k);
	struct kernel_event ev = { .type = KEV_OVERRUN };

	if (err)
		log_err(AREA, "the module's events cannot be read: %s", strerror(-err));
	if (!k->module.lost)
		return;
	k->module.lost = false;
	log_warn(AREA, "events of the module were lost");
	kernel_tell(k, &ev, mono_now());
}

int kernel_events_open(struct kernel_linux *k)
{
	struct module *m = &k->module;
	int err = pp_listen(PP_GROUP_SA | PP_GROUP_PEER, RCVBUF, &m->listener);

	if (err)
		return err;
	m->ev = event_new(k->base, pp_listen_fd(m->listener), EV_READ | EV_PERSIST, readable, k);
	if (!m->ev || event_add(m->ev, NULL))
		return -ENOMEM;
	if (!pp_listen_present(m->listener) || attach(k))
		log_notice(AREA, "the module prefpeer is not loaded; idleness is polled from XFRM");
	return 0;
}

void kernel_events_close(struct kernel_linux *k)
{
	if (k->module.ev)
		event_free(k->module.ev);
	pp_listen_close(k->module.listener);
	pp_nl_close(k->module.nl);
	k->module = (struct module){ 0 };
}
