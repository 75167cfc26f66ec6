// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "lib/log.h"
#include "prefpeerd/watch.h"

#define AREA "xfrm"
#define PERIOD_MS 60000 /* IOS: one per minute (semantics.md §7) */

static const struct {
	const char *counter;
	const char *sentence;
} watched[] = {
	{ "XfrmOutPolBlock",
	  "packets for a protected network were blocked: they left with the WAN address, so exempt them from NAT (nft: rt ipsec exists accept), or their line cannot be protected now (prefpeer map show)" },
	{ "XfrmInNoPols",
	  "%CRYPTO-4-RECVD_PKT_NOT_IPSEC: packets arrived in clear that an access list protects, and were dropped" },
	{ "XfrmInNoStates",
	  "%CRYPTO-4-RECVD_PKT_INV_SPI: IPsec packets arrived for an SPI that nobody has" },
};

#define N_WATCHED (sizeof(watched) / sizeof(*watched))

struct watch {
	const struct timers *timers;
	struct kernel kernel;
	struct timer timer;
	uint64_t last[N_WATCHED];
};

/* 0 where the kernel has no such counter: nothing is said then. */
static uint64_t read_counter(struct watch *w, unsigned i)
{
	uint64_t v = 0;

	if (w->kernel.ops->stat_read(w->kernel.impl, watched[i].counter, &v))
		return 0;
	return v;
}

static void look(struct timer *t, mono_t now)
{
	struct watch *w = timer_container(t, struct watch, timer);

	for (unsigned i = 0; i < N_WATCHED; i++) {
		uint64_t v = read_counter(w, i);

		if (v > w->last[i])
			log_warn(AREA, "%s (%s +%" PRIu64 ")", watched[i].sentence,
				 watched[i].counter, v - w->last[i]);
		w->last[i] = v;
	}
	timer_set(w->timers, t, mono_add_ms(now, PERIOD_MS));
}

int watch_open(const struct timers *timers, const struct kernel *k, struct watch **out)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->timers = timers;
	w->kernel = *k;
	timer_init(&w->timer, look);
	for (unsigned i = 0; i < N_WATCHED; i++)
		w->last[i] = read_counter(w, i);
	timer_set(timers, &w->timer, mono_add_ms(mono_now(), PERIOD_MS));
	*out = w;
	return 0;
}

void watch_close(struct watch *w)
{
	if (!w)
		return;
	timer_cancel(w->timers, &w->timer);
	free(w);
}
