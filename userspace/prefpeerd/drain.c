// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "lib/log.h"
#include "prefpeerd/drain.h"

struct drain {
	struct entries *entries;
	const struct timers *timers;
	struct timer timer;
	mono_t until; /* when the last one is to be gone */
	mono_t since; /* UNSET: not draining */
	unsigned began_with;
};

/* The rest of the time in equal parts: one for each that is left, but for the last, at its end. */
static void next_at(struct drain *d, unsigned left, mono_t now)
{
	int64_t rest = mono_is_set(d->until) ? mono_diff_ms(d->until, now) : 0;

	if (left)
		timer_set(d->timers, &d->timer, mono_add_ms(now, rest > 0 ? rest / left : 0));
	else
		log_notice("drain", "nothing is left: this gateway can be taken down");
}

static void one(struct timer *t, mono_t now)
{
	struct drain *d = timer_container(t, struct drain, timer);

	next_at(d, entries_drain_one(d->entries, now), now);
}

struct drain *drain_new(struct entries *entries, const struct timers *timers)
{
	struct drain *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->entries = entries;
	d->timers = timers;
	timer_init(&d->timer, one);
	return d;
}

void drain_free(struct drain *d)
{
	if (d)
		timer_cancel(d->timers, &d->timer);
	free(d);
}

void drain_start(struct drain *d, unsigned seconds, mono_t now)
{
	entries_drain(d->entries, true, now);
	if (!mono_is_set(d->since)) {
		d->since = now;
		d->began_with = entries_up(d->entries);
	}
	d->until = mono_add_ms(now, (int64_t)seconds * 1000);
	log_notice("drain", "nothing new is set up; %u entries end within %u s",
		   entries_up(d->entries), seconds);
	next_at(d, entries_up(d->entries), now);
}

bool drain_stop(struct drain *d, mono_t now)
{
	if (!mono_is_set(d->since))
		return false;
	timer_cancel(d->timers, &d->timer);
	d->since = MONO_UNSET;
	log_notice("drain", "ended: IKE SAs are set up and accepted again");
	entries_drain(d->entries, false, now);
	return true;
}

json_t *drain_report(const struct drain *d, mono_t now)
{
	bool on = mono_is_set(d->since);
	int64_t rest = on ? mono_diff_ms(d->until, now) : 0;

	return json_pack("{sb si si so so}", "draining", on, "left", (int)entries_up(d->entries),
			 "began_with", (int)d->began_with, "since_ms",
			 on ? json_integer(mono_diff_ms(now, d->since)) : json_null(), "ends_in_ms",
			 on ? json_integer(rest > 0 ? rest : 0) : json_null());
}
