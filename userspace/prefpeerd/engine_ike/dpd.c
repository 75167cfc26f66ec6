// SPDX-License-Identifier: GPL-2.0-or-later
#include "prefpeerd/engine_ike/dpd.h"

#define DPD_TRIES 6
#define DPD_LOOKS 8	     /* in an INTERVAL */
#define DPD_STAMPED_MS 1000 /* what XFRM's time of last use is good for */

bool dpd_on(const struct dpd *d)
{
	return d->mode != DPD_OFF && d->retry_ms;
}

mono_t dpd_due(const struct dpd *d, mono_t heard, mono_t last_in)
{
	mono_t contact = d->strict ? heard : mono_max(heard, last_in);

	if (!dpd_on(d) || d->mode != DPD_PERIODIC)
		return MONO_NEVER;
	return mono_add_ms(contact, d->interval_ms);
}

mono_t dpd_look(const struct dpd *d, mono_t due, bool counted, mono_t now)
{
	mono_t look = mono_add_ms(now, (d->interval_ms + DPD_LOOKS - 1) / DPD_LOOKS);

	if (!dpd_on(d) || d->mode != DPD_PERIODIC || d->strict)
		return due;
	if (!counted && d->interval_ms >= DPD_STAMPED_MS)
		return due;
	return mono_before(look, due) ? look : due;
}

uint32_t dpd_budget_ms(const struct dpd *d, uint32_t srtt_us, bool probe)
{
	uint64_t ms = dpd_on(d) ? DPD_TRIES * (uint64_t)d->retry_ms : DPD_CLOSE_DEFAULT_MS;
	uint64_t trips = ((uint64_t)srtt_us * 4 + 999) / 1000;

	if (ms < trips)
		ms = trips;
	if (!probe && ms < DPD_REQUEST_MIN_MS)
		ms = DPD_REQUEST_MIN_MS;
	return (uint32_t)ms;
}

struct curve dpd_curve(const struct dpd *d, uint32_t srtt_us, bool probe)
{
	if (!dpd_on(d))
		return curve_patient();
	return curve_budget(dpd_budget_ms(d, srtt_us, probe), srtt_us, d->fixed);
}

bool dpd_is_dead(const struct dpd *d, mono_t first_sent, mono_t last_in, unsigned restarts)
{
	if (d->strict || restarts >= DPD_RESTARTS_MAX)
		return true;
	return !mono_before(first_sent, last_in);
}
