/* SPDX-License-Identifier: GPL-2.0 */
/* What net/xfrm.h of the kernel that we build for may lack. */
#ifndef PP_COMPAT_NET_XFRM_H
#define PP_COMPAT_NET_XFRM_H

#include_next <net/xfrm.h>

/* Direction that the key manager gave (XFRMA_SA_DIR), 0 = none. */
#ifdef PP_HAVE_SA_DIR
static inline u8 pp_x_sa_dir(const struct xfrm_state *x)
{
	return x->dir;
}
#else
static inline u8 pp_x_sa_dir(const struct xfrm_state *x)
{
	return 0;
}
#endif

/* Does a device do all the work, so that nobody counts in software? */
#ifdef PP_HAVE_PACKET_OFFLOAD
static inline bool pp_x_packet_offload(const struct xfrm_state *x)
{
	return x->xso.type == XFRM_DEV_OFFLOAD_PACKET;
}
#else
static inline bool pp_x_packet_offload(const struct xfrm_state *x)
{
	return false;
}
#endif

/*
 * Bring the counters of a packet-offloaded SA up to date; x->lock is held.
 * False if its driver cannot say.
 */
#if defined(PP_HAVE_UPDATE_STATS) && defined(CONFIG_XFRM_OFFLOAD)
static inline bool pp_x_update_stats(struct xfrm_state *x)
{
	struct net_device *dev = READ_ONCE(x->xso.dev);

	if (!dev || !dev->xfrmdev_ops ||
	    !dev->xfrmdev_ops->xdo_dev_state_update_stats)
		return false;
	xfrm_dev_state_update_stats(x);
	return true;
}
#else
static inline bool pp_x_update_stats(struct xfrm_state *x)
{
	return false;
}
#endif

#endif /* PP_COMPAT_NET_XFRM_H */
