// SPDX-License-Identifier: GPL-2.0
/*
 * What the XFRM core tells, and finding out what it does not.
 *
 * Every callback runs under rcu_read_lock(), some with x->lock held, some in
 * softirq: they only mark and kick. The core is silent when it migrates SAs,
 * when a device goes, when xfrm6_tunnel is unloaded and when a namespace ends,
 * so its events are hints, and looks and rescans are the truth.
 */

#include "prefpeer.h"

#define PP_WALK_BATCH		16
#define PP_WALK_FULL		1
#define PP_RESCAN_DELAY_NS	(2 * (u64)NSEC_PER_SEC)
#define PP_RESCAN_MIN_NS	(30 * (u64)NSEC_PER_SEC)
#define PP_RESCAN_MAX_NS	(600 * (u64)NSEC_PER_SEC)

/* An update passes a dead copy of a living SA, or a larval one come to life. */
static void pp_km_added(struct xfrm_state *x)
{
	struct net *net = xs_net(x);
	struct xfrm_state *live;

	if (x->id.proto != IPPROTO_ESP && x->id.proto != IPPROTO_AH)
		return;
	if (pp_sa_wanted(x)) {
		pp_sa_track(pp_net_get(net), x);
		return;
	}
	live = xfrm_state_lookup(net, x->mark.v & x->mark.m, &x->id.daddr,
				 x->id.spi, x->id.proto, x->props.family);
	if (!live)
		return;
	pp_sa_updated(pp_net_get(net), live);
	xfrm_state_put(live);
}

static void pp_km_sweep(struct pp_net *pn, u8 reason, bool rescan)
{
	spin_lock_bh(&pn->lock);
	if (pn->tab && !pn->dying) {
		pn->sweep = true;
		pn->sweep_why = max(pn->sweep_why, reason);
		pn->owed |= rescan;
		pp_kick(pn);
	}
	spin_unlock_bh(&pn->lock);
}

static int pp_km_notify(struct xfrm_state *x, const struct km_event *c)
{
	switch (c->event) {
	case XFRM_MSG_NEWSA:
	case XFRM_MSG_UPDSA:
		pp_km_added(x);
		break;
	case XFRM_MSG_DELSA:
		pp_sa_lost(pp_net_get(xs_net(x)), x, PREFPEER_REASON_DELETED);
		break;
	case XFRM_MSG_EXPIRE:
		if (c->data.hard)
			pp_sa_lost(pp_net_get(xs_net(x)), x,
				   PREFPEER_REASON_EXPIRED);
		break;
	case XFRM_MSG_FLUSHSA:
		/* the only one without an SA, and the only one to set c->net */
		pp_km_sweep(pp_net_get(c->net), PREFPEER_REASON_FLUSHED, false);
		break;
	}
	return 0;
}

/* Called whether set or not; an error leaves the other managers' result. */
static int pp_km_acquire(struct xfrm_state *x, struct xfrm_tmpl *t,
			 struct xfrm_policy *xp)
{
	return -EOPNOTSUPP;
}

/* Called whether set or not; *dir is left negative: not ours. */
static struct xfrm_policy *pp_km_compile_policy(struct sock *sk, int opt,
						u8 *data, int len, int *dir)
{
	return NULL;
}

/* The clone and the end of the original come without a word. */
static int pp_km_migrate(const struct xfrm_selector *sel, u8 dir, u8 type,
			 const struct xfrm_migrate *m, int num_bundles,
			 const struct xfrm_kmaddress *k, struct net *net,
			 const struct xfrm_encap_tmpl *encap)
{
	pp_km_sweep(pp_net_get(net), PREFPEER_REASON_VANISHED, true);
	return -EOPNOTSUPP;
}

/* is_alive stays NULL: it would make the core create larval SAs for us. */
static struct xfrm_mgr pp_km = {
	.notify		= pp_km_notify,
	.acquire	= pp_km_acquire,
	.compile_policy	= pp_km_compile_policy,
	.migrate	= pp_km_migrate,
};

/**
 * pp_km_register() - have the core tell of SAs from now on
 */
void pp_km_register(void)
{
	xfrm_register_km(&pp_km);
}

/**
 * pp_km_unregister() - have it stop; no callback runs after this
 */
void pp_km_unregister(void)
{
	xfrm_unregister_km(&pp_km);
}

struct pp_walk {
	struct xfrm_state *x[PP_WALK_BATCH];
	unsigned int n;
	u32 others;
};

/* Under xfrm_state_lock, which x->lock comes before: only collect. */
static int pp_walk_collect(struct xfrm_state *x, int count, void *ptr)
{
	struct pp_walk *walk = ptr;

	if (walk->n == PP_WALK_BATCH)
		return PP_WALK_FULL;
	if (!pp_sa_wanted(x)) {
		walk->others++;
		return 0;
	}
	xfrm_state_hold(x);
	walk->x[walk->n++] = x;
	return 0;
}

static u32 pp_walk_track(struct pp_net *pn, struct pp_walk *walk)
{
	unsigned int i;
	u32 found = 0;

	for (i = 0; i < walk->n; i++) {
		found += pp_sa_track(pn, walk->x[i]);
		xfrm_state_put(walk->x[i]);
	}
	return found;
}

/* How many more the core counts than are tracked or otherwise known. */
static u32 pp_count_excess(struct pp_net *pn)
{
	u32 known = READ_ONCE(pn->n_tracked) + READ_ONCE(pn->untracked) +
		    pn->others;
	struct xfrmk_sadinfo info;

	xfrm_sad_getinfo(pn->net, &info);
	return info.sadcnt > known ? info.sadcnt - known : 0;
}

/*
 * Find what is not tracked; the number of SAs that were found. The core counts
 * what no walk shows (the IPIP state below an IPcomp one): what is left when
 * nothing was found is such, and no reason to walk again.
 */
static u32 pp_rescan(struct pp_net *pn)
{
	struct pp_walk walk = {};
	struct xfrm_state_walk sad;
	u32 found = 0;
	int err;

	xfrm_state_walk_init(&sad, IPSEC_PROTO_ANY, NULL);
	do {
		walk.n = 0;
		err = xfrm_state_walk(pn->net, &sad, pp_walk_collect, &walk);
		found += pp_walk_track(pn, &walk);
		pn->budget -= PP_WALK_BATCH;
		pp_pause(pn);
	} while (err == PP_WALK_FULL);
	xfrm_state_walk_done(&sad, pn->net);

	pn->others = walk.others;
	if (!found)
		pn->others += pp_count_excess(pn);
	pn->stats.rescans++;
	return found;
}

/**
 * pp_rescan_step() - walk the SAD if that is owed
 * @pn: the namespace
 *
 * Only the worker calls this, so no verdict is made meanwhile.
 *
 * Return: whether there was something to do.
 */
bool pp_rescan_step(struct pp_net *pn)
{
	u64 now = ktime_get_boottime_ns();
	bool again;
	u32 found;

	if (!READ_ONCE(pn->owed) || now < pn->rescan_hold)
		return false;

	spin_lock_bh(&pn->lock);
	pn->owed = false;
	pn->overflow = false;
	pn->untracked = 0;
	bitmap_zero(pn->tab->refused, PP_REFUSED);
	spin_unlock_bh(&pn->lock);

	found = pp_rescan(pn);

	spin_lock_bh(&pn->lock);
	again = pn->owed;
	spin_unlock_bh(&pn->lock);
	/* memory was short: looking again at once would not find more of it */
	if (again)
		pn->rescan_hold = now + NSEC_PER_SEC;
	if (found || !pn->rescan_wait)
		pn->rescan_wait = PP_RESCAN_MIN_NS;
	else
		pn->rescan_wait = min(2 * pn->rescan_wait, PP_RESCAN_MAX_NS);
	pn->rescan_next = now + pn->rescan_wait;
	pn->rescan_at = 0;
	return true;
}

/* Is there room again for an SA that was refused? */
static bool pp_refused_fit(struct pp_net *pn)
{
	u32 limit = pp_limit_sas(pn);
	bool fit;

	spin_lock_bh(&pn->lock);
	fit = pn->overflow && (!limit || pn->n_tracked < limit);
	spin_unlock_bh(&pn->lock);
	return fit;
}

static bool pp_count_differs(struct pp_net *pn)
{
	struct xfrmk_sadinfo info;

	xfrm_sad_getinfo(pn->net, &info);
	return info.sadcnt != READ_ONCE(pn->n_tracked) + pn->others +
			      READ_ONCE(pn->untracked);
}

/**
 * pp_reconcile() - compare what is tracked with what is in the SAD
 * @pn: the namespace
 *
 * At the end of each run of the worker. A difference that lasts for two
 * seconds is worth a sweep and a rescan, ever more rarely if they find nothing.
 *
 * Return: when to come back for it, PP_NEVER = no need.
 */
u64 pp_reconcile(struct pp_net *pn)
{
	u64 now = ktime_get_boottime_ns();

	if (READ_ONCE(pn->owed))
		return PP_NEVER;
	if (!pp_refused_fit(pn) && !pp_count_differs(pn)) {
		pn->rescan_at = 0;
		return PP_NEVER;
	}
	if (!pn->rescan_at)
		pn->rescan_at = max(now + PP_RESCAN_DELAY_NS, pn->rescan_next);
	if (now < pn->rescan_at)
		return pn->rescan_at;

	spin_lock_bh(&pn->lock);
	pn->sweep = true;
	pn->owed = true;
	spin_unlock_bh(&pn->lock);
	return now;
}
