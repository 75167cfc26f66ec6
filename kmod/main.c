// SPDX-License-Identifier: GPL-2.0
/*
 * prefpeer: idle clocks, metadata and one-way detection for IPsec SAs.
 *
 * Nothing is added to the packet path. The XFRM core tells this module, as it
 * tells every key manager, of SAs that come and go (km.c); what it does not
 * tell is found when an SA is looked at. Counters are read when a verdict can
 * be due (idle.c, look.c), judged per pair and per peer (pair.c, peer.c), and
 * what follows is multicast (event.c).
 */

#include <linux/module.h>
#include <linux/netdevice.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "prefpeer.h"

#define PP_MAX_SAS_USER		65536
/* Up to this a kernel timer of any HZ is late by less than a tick of ours. */
#define PP_TIMER_EXACT_MS	500
/* As long as a slot of the fine wheel. */
#define PP_GATHER_NS		PP_TICK_FINE_NS

static unsigned int max_sas;
module_param(max_sas, uint, 0644);
MODULE_PARM_DESC(max_sas,
		 "SAs tracked per namespace; 0: 65536 in those of unprivileged users, unlimited in others");

static unsigned int max_fine = 1024;
module_param(max_fine, uint, 0644);
MODULE_PARM_DESC(max_fine,
		 "pairs per namespace that are timed in steps of 10 ms; others in steps of 250 ms");

static unsigned int max_rules = 4096;
module_param(max_rules, uint, 0644);
MODULE_PARM_DESC(max_rules, "rules per namespace");

unsigned int pp_net_id __read_mostly;
struct kmem_cache *pp_sa_cache;
struct kmem_cache *pp_pair_cache;
struct kmem_cache *pp_peer_cache;

static struct workqueue_struct *pp_wq;
static struct workqueue_struct *pp_wq_user;

/**
 * pp_net_get() - our part of a namespace
 * @net: the namespace
 */
struct pp_net *pp_net_get(struct net *net)
{
	return net_generic(net, pp_net_id);
}

static bool pp_net_is_user(const struct pp_net *pn)
{
	return pn->net->user_ns != &init_user_ns;
}

/**
 * pp_limit_sas() - how many SAs a namespace may have tracked
 * @pn: the namespace
 *
 * Return: 0 for no limit.
 */
u32 pp_limit_sas(const struct pp_net *pn)
{
	u32 limit = READ_ONCE(max_sas);

	if (limit || !pp_net_is_user(pn))
		return limit;
	return PP_MAX_SAS_USER;
}

/**
 * pp_limit_fine() - how many pairs of a namespace may be on its fine wheel
 */
u32 pp_limit_fine(void)
{
	return READ_ONCE(max_fine);
}

/**
 * pp_limit_rules() - how many rules a namespace may have
 */
u32 pp_limit_rules(void)
{
	return READ_ONCE(max_rules);
}

/*
 * Namespaces of unprivileged users share one worker thread: their timers are
 * CPU time that no cgroup of theirs pays for.
 */
static struct workqueue_struct *pp_net_wq(const struct pp_net *pn)
{
	return pp_net_is_user(pn) ? pp_wq_user : pp_wq;
}

/* Have the worker run at an instant, unless it is to run earlier. */
static void pp_arm(struct pp_net *pn, u64 when, u64 now)
{
	u32 ms = 0;

	lockdep_assert_held(&pn->lock);
	if (pn->dying || when >= pn->armed)
		return;
	pn->armed = when;
	if (when > now)
		ms = div_u64(when - now + NSEC_PER_MSEC - 1, NSEC_PER_MSEC);
	/* a timer may be late by an eighth of its length: come closer first */
	if (ms > PP_TIMER_EXACT_MS)
		ms -= ms / 8;
	mod_delayed_work(pp_net_wq(pn), &pn->work, msecs_to_jiffies(ms));
}

/**
 * pp_kick() - have the worker run soon
 * @pn: its namespace; pp_net.lock is held, so that a dying one is not revived
 *
 * Not at once: SAs and rules come by the thousand, and a switch to the worker
 * for each costs more than all that it does for one. Who asks meanwhile makes
 * it run first.
 */
void pp_kick(struct pp_net *pn)
{
	u64 now = ktime_get_boottime_ns();

	pp_arm(pn, now + PP_GATHER_NS, now);
}

/**
 * pp_kick_now() - have the worker run now
 * @pn: its namespace; pp_net.lock is held
 */
void pp_kick_now(struct pp_net *pn)
{
	pp_arm(pn, 0, 0);
}

/**
 * pp_kick_at() - have the worker run later, unless it is to run earlier
 * @pn: its namespace
 * @when: boottime, ns
 */
void pp_kick_at(struct pp_net *pn, u64 when)
{
	spin_lock_bh(&pn->lock);
	pp_arm(pn, when, ktime_get_boottime_ns());
	spin_unlock_bh(&pn->lock);
}

/**
 * pp_kicked() - the worker runs: what it is kicked for from now on, it may miss
 * @pn: its namespace
 */
void pp_kicked(struct pp_net *pn)
{
	spin_lock_bh(&pn->lock);
	pn->armed = PP_NEVER;
	spin_unlock_bh(&pn->lock);
}

/**
 * pp_id_new() - give an object an id
 * @ids: ids of its kind
 * @obj: the object
 * @id: where the id goes
 *
 * Ids go up and are not used again before they wrap: a dump goes by id.
 *
 * Return: 0 or -errno.
 */
int pp_id_new(struct pp_ids *ids, void *obj, u32 *id)
{
	int err;

	err = xa_alloc_cyclic(&ids->xa, id, obj, XA_LIMIT(1, U32_MAX - 1),
			      &ids->next, GFP_KERNEL_ACCOUNT);
	if (err < 0)
		return err;
	if (err == 1)
		ids->top = U32_MAX - 1;
	ids->top = max(ids->top, *id);
	ids->n++;
	return 0;
}

/**
 * pp_id_del() - take an id back
 * @ids: ids of its kind
 * @id: the id
 */
void pp_id_del(struct pp_ids *ids, u32 id)
{
	xa_erase(&ids->xa, id);
	ids->n--;
}

static int pp_table_hashes(struct pp_table *tab)
{
	int err;

	err = rhashtable_init(&tab->by_x, &pp_by_x_params);
	if (err)
		return err;
	err = rhltable_init(&tab->by_spi, &pp_by_spi_params);
	if (err)
		goto by_x;
	err = rhashtable_init(&tab->pairs, &pp_pairs_params);
	if (err)
		goto by_spi;
	err = rhashtable_init(&tab->peers, &pp_peers_params);
	if (err)
		goto pairs;
	return 0;

pairs:
	rhashtable_destroy(&tab->pairs);
by_spi:
	rhltable_destroy(&tab->by_spi);
by_x:
	rhashtable_destroy(&tab->by_x);
	return err;
}

static void pp_table_free(struct pp_table *tab)
{
	rhashtable_destroy(&tab->peers);
	rhashtable_destroy(&tab->pairs);
	rhltable_destroy(&tab->by_spi);
	rhashtable_destroy(&tab->by_x);
	pp_wheel_fini(&tab->wheel_fine);
	pp_wheel_fini(&tab->wheel);
	kvfree(tab);
}

/**
 * pp_table_init() - set a namespace up for its first SA or rule
 * @pn: the namespace
 *
 * Ten thousand empty namespaces cost nothing, so this is not done before.
 *
 * Return: 0, also if it has been done, or -errno.
 */
int pp_table_init(struct pp_net *pn)
{
	struct pp_table *tab;
	int err;

	lockdep_assert_held(&pn->mutex);
	if (pn->tab)
		return 0;

	tab = kvzalloc(sizeof(*tab), GFP_KERNEL_ACCOUNT);
	if (!tab)
		return -ENOMEM;
	err = pp_wheel_init(&tab->wheel, PP_TICK_NS, PP_SLOTS);
	if (err)
		goto free;
	err = pp_wheel_init(&tab->wheel_fine, PP_TICK_FINE_NS, PP_SLOTS_FINE);
	if (err)
		goto wheel;
	err = pp_table_hashes(tab);
	if (err)
		goto wheel_fine;

	spin_lock_bh(&pn->lock);
	WRITE_ONCE(pn->tab, tab);
	spin_unlock_bh(&pn->lock);
	return 0;

wheel_fine:
	pp_wheel_fini(&tab->wheel_fine);
wheel:
	pp_wheel_fini(&tab->wheel);
free:
	kvfree(tab);
	return err;
}

static void pp_ids_init(struct pp_ids *ids)
{
	xa_init_flags(&ids->xa, XA_FLAGS_ALLOC1);
	ids->next = 1;
}

/**
 * pp_net_setup() - an empty namespace
 * @pn: its memory, zeroed
 * @net: the namespace
 */
void pp_net_setup(struct pp_net *pn, struct net *net)
{
	pn->net = net;
	pn->armed = PP_NEVER;
	spin_lock_init(&pn->lock);
	mutex_init(&pn->mutex);
	INIT_LIST_HEAD(&pn->fresh);
	INIT_LIST_HEAD(&pn->gone);
	INIT_LIST_HEAD(&pn->dirty_pairs);
	INIT_LIST_HEAD(&pn->dirty_peers);
	INIT_DELAYED_WORK(&pn->work, pp_work);
	pp_ids_init(&pn->sas_all);
	pp_ids_init(&pn->pairs_all);
	pp_ids_init(&pn->peers_all);
	pp_ids_init(&pn->rules_all);
	pp_event_init(pn);
}

static int __net_init pp_net_init(struct net *net)
{
	pp_net_setup(pp_net_get(net), net);
	return 0;
}

/**
 * pp_net_empty() - let go of every SA and rule, telling nobody
 * @pn: the namespace, its worker stopped
 */
void pp_net_empty(struct pp_net *pn)
{
	mutex_lock(&pn->mutex);
	if (pn->tab) {
		pp_sa_drop_all(pn);
		pp_rule_drop_all(pn);
	}
	pp_event_purge(pn);
	mutex_unlock(&pn->mutex);
}

/**
 * pp_net_free() - free what is left of a namespace, but for its own memory
 * @pn: the namespace, empty
 */
void pp_net_free(struct pp_net *pn)
{
	if (pn->tab)
		pp_table_free(pn->tab);
	xa_destroy(&pn->sas_all.xa);
	xa_destroy(&pn->pairs_all.xa);
	xa_destroy(&pn->peers_all.xa);
	xa_destroy(&pn->rules_all.xa);
	mutex_destroy(&pn->mutex);
}

/*
 * Pins go before any .exit runs: later ones wait for the devices that pinned
 * SAs hold. SAs still expire after this and reach us; @dying turns them away.
 */
static void __net_exit pp_net_pre_exit(struct net *net)
{
	struct pp_net *pn = pp_net_get(net);

	spin_lock_bh(&pn->lock);
	pn->dying = true;
	spin_unlock_bh(&pn->lock);
	cancel_delayed_work_sync(&pn->work);
	pp_net_empty(pn);
}

static void __net_exit pp_net_exit(struct net *net)
{
	pp_net_free(pp_net_get(net));
}

static struct pernet_operations pp_net_ops = {
	.init		= pp_net_init,
	.pre_exit	= pp_net_pre_exit,
	.exit		= pp_net_exit,
	.id		= &pp_net_id,
	.size		= sizeof(struct pp_net),
};

/*
 * A device that goes takes its offloaded SAs along without a word, and may
 * wait for the references that our pins hold.
 */
static int pp_netdev_event(struct notifier_block *nb, unsigned long event,
			   void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct pp_net *pn = pp_net_get(dev_net(dev));

	if (event != NETDEV_DOWN && event != NETDEV_UNREGISTER)
		return NOTIFY_DONE;

	spin_lock_bh(&pn->lock);
	if (pn->n_offload) {
		pn->sweep = true;
		pp_kick_now(pn);
	}
	spin_unlock_bh(&pn->lock);
	return NOTIFY_DONE;
}

static struct notifier_block pp_netdev_notifier = {
	.notifier_call = pp_netdev_event,
};

/* SAs older than the module are found by a walk in their namespace's worker. */
static void pp_adopt_all(void)
{
	struct xfrmk_sadinfo info;
	struct pp_net *pn;
	struct net *net;

	down_read(&net_rwsem);
	for_each_net(net) {
		xfrm_sad_getinfo(net, &info);
		if (!info.sadcnt)
			continue;
		pn = pp_net_get(net);
		spin_lock_bh(&pn->lock);
		pn->owed = true;
		pp_kick(pn);
		spin_unlock_bh(&pn->lock);
	}
	up_read(&net_rwsem);
}

static void pp_caches_destroy(void)
{
	kmem_cache_destroy(pp_peer_cache);
	kmem_cache_destroy(pp_pair_cache);
	kmem_cache_destroy(pp_sa_cache);
}

static int __init pp_caches_create(void)
{
	pp_sa_cache = kmem_cache_create("prefpeer_sa", sizeof(struct pp_sa), 0,
					SLAB_ACCOUNT, NULL);
	pp_pair_cache = kmem_cache_create("prefpeer_pair",
					  sizeof(struct pp_pair), 0,
					  SLAB_ACCOUNT, NULL);
	pp_peer_cache = kmem_cache_create("prefpeer_peer",
					  sizeof(struct pp_peer), 0,
					  SLAB_ACCOUNT, NULL);
	if (pp_sa_cache && pp_pair_cache && pp_peer_cache)
		return 0;
	pp_caches_destroy();
	return -ENOMEM;
}

static int __init pp_workqueues_create(void)
{
	pp_wq = alloc_workqueue("prefpeer", WQ_UNBOUND, 0);
	if (!pp_wq)
		return -ENOMEM;
	pp_wq_user = alloc_workqueue("prefpeer_user", WQ_UNBOUND, 1);
	if (pp_wq_user)
		return 0;
	destroy_workqueue(pp_wq);
	return -ENOMEM;
}

static int __init pp_init(void)
{
	int err;

	err = pp_caches_create();
	if (err)
		return err;
	err = pp_workqueues_create();
	if (err)
		goto caches;
	err = register_pernet_subsys(&pp_net_ops);
	if (err)
		goto workqueues;
	err = genl_register_family(&pp_family);
	if (err)
		goto pernet;
	pp_event_open();
	pp_km_register();
	err = register_netdevice_notifier(&pp_netdev_notifier);
	if (err)
		goto km;
	pp_adopt_all();
	return 0;

km:
	pp_km_unregister();
	pp_event_close();
	genl_unregister_family(&pp_family);
pernet:
	unregister_pernet_subsys(&pp_net_ops);
workqueues:
	destroy_workqueue(pp_wq_user);
	destroy_workqueue(pp_wq);
	rcu_barrier();
caches:
	pp_caches_destroy();
	return err;
}

static void __exit pp_exit(void)
{
	unregister_netdevice_notifier(&pp_netdev_notifier);
	pp_km_unregister();
	pp_event_close();
	genl_unregister_family(&pp_family);
	unregister_pernet_subsys(&pp_net_ops);
	/* freeing is by call_rcu() */
	rcu_barrier();
	pp_caches_destroy();
	destroy_workqueue(pp_wq_user);
	destroy_workqueue(pp_wq);
}

module_init(pp_init);
module_exit(pp_exit);

MODULE_DESCRIPTION("IPsec preferred peer: idle clocks of SAs and their peers");
MODULE_LICENSE("GPL");
MODULE_ALIAS_GENL_FAMILY(PREFPEER_FAMILY_NAME);
