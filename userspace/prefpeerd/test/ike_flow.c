// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/test/ike_flow.h"

#include <stdio.h>
#include <stdlib.h>

#include <utlist.h>

struct flow_packet {
	struct flow *w;
	uint32_t spi;
	struct timer timer;
	struct flow_packet *prev, *next;
};

/* XFRM says the soft end of an SA before it counts the packet that is one. */
static void carry(struct flow *w, struct side *s, const struct kernel_sa *sa)
{
	struct kernel_sa_id id = sa->id;

	if (!fake_kernel_carry(&s->kernel, id.spi))
		return;
	w->soft++;
	engine_ike_expire(s->engine->impl, &id, false);
}

static void arrive(struct timer *t, mono_t now)
{
	struct flow_packet *p = timer_container(t, struct flow_packet, timer);
	struct flow *w = p->w;
	const struct kernel_sa *sa = fake_kernel_sa(&w->to->kernel, p->spi);

	if (sa && sa->dir == SA_DIR_IN) {
		w->arrived++;
		carry(w, w->to, sa);
	} else {
		w->lost++;
		if (getenv("IKE_TEST_LOG"))
			fprintf(stderr, "# lost at %lld ms: SA %08x is not there\n",
				(long long)(now.ns / 1000000), p->spi);
	}
	DL_DELETE(w->packets, p);
	free(p);
}

static void send_one(struct flow *w)
{
	const struct kernel_sa *sa = fake_kernel_out(&w->from->kernel, w->reqid);
	struct flow_packet *p;

	w->sent++;
	if (!sa) {
		w->lost++;
		return;
	}
	p = calloc(1, sizeof(*p));
	p->w = w;
	p->spi = sa->id.spi;
	timer_init(&p->timer, arrive);
	DL_APPEND(w->packets, p);
	timer_set(&w->f->clock.timers, &p->timer, mono_add_ms(w->f->clock.now, w->latency_ms));
	carry(w, w->from, sa);
}

static void tick(struct timer *t, mono_t now)
{
	struct flow *w = timer_container(t, struct flow, timer);

	send_one(w);
	timer_set(&w->f->clock.timers, t, mono_add_ms(now, w->every_ms));
}

void flow_start(struct flow *w, struct fixture *f, bool from_left, uint32_t reqid, int64_t late_ms)
{
	*w = (struct flow){ .f = f,
			    .from = from_left ? &f->left : &f->right,
			    .to = from_left ? &f->right : &f->left,
			    .reqid = reqid,
			    .every_ms = 3,
			    .latency_ms = f->net.latency_ms + late_ms };
	timer_init(&w->timer, tick);
	timer_set(&f->clock.timers, &w->timer, f->clock.now);
}

void flow_stop(struct flow *w)
{
	struct flow_packet *p, *tmp;

	timer_cancel(&w->f->clock.timers, &w->timer);
	DL_FOREACH_SAFE(w->packets, p, tmp) {
		timer_cancel(&w->f->clock.timers, &p->timer);
		DL_DELETE(w->packets, p);
		free(p);
	}
}
