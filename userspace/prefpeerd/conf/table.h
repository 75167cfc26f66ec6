/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How tables of commands are written, and those that one subject takes from another. */
#ifndef CONF_TABLE_H
#define CONF_TABLE_H

#include "prefpeerd/conf/parser.h"

/* A designated initialiser per word; NEXT is the table of what may follow. */
#define NEXT(...) .next = (const struct node[]){ __VA_ARGS__, { 0 } }
#define KW(w, h, ...) { .word = w, .help = h, __VA_ARGS__ }
#define ARG(k, w, h, ...) { .kind = k, .word = w, .help = h, __VA_ARGS__ }
#define NUM(w, h, s, about, lo, hi, u, ...) \
	{ .kind = ARG_NUMBER, .word = w, .help = h, .slot = s, .what = about, .min = lo, \
	  .max = hi, .unit = u, __VA_ARGS__ }
#define REFUSE(w, sentence, instead) \
	{ .word = w, .help = "(refused)", .refuse = sentence, .hint = instead }
#define NOT_YET(w) REFUSE(w, "`" w "` is not supported yet", NULL)
#define BOTH(fn) .run = fn, .undo = fn

#define REPLAY_WINDOW(n, fn) KW(#n, #n " packets", .min = (n), BOTH(fn))
#define REPLAY(fn) \
	KW("replay", "of packets: how late one may come", .undo = fn, \
	   NEXT(KW("window-size", "in packets", .undo = fn, \
		   NEXT(REPLAY_WINDOW(64, fn), REPLAY_WINDOW(128, fn), \
			REPLAY_WINDOW(256, fn), REPLAY_WINDOW(512, fn), \
			REPLAY_WINDOW(1024, fn))), \
		KW("disable", "is not looked for", .flag = F_DISABLE, BOTH(fn))))

#define LIFETIME_DAYS(fn) \
	KW("days", "in days", .flag = F_DAYS, .undo = fn, \
	   NEXT(NUM("1", "one day", SLOT_NUM, "lifetime", 1, 1, "day", BOTH(fn))))
#define DF_BIT(w, fn) \
	KW(w, "of the header around a packet: whether routers may cut it up", .undo = fn, \
	   NEXT(KW("copy", "as the packet's own", .min = DF_COPY, BOTH(fn)), \
		KW("clear", "they may", .min = DF_CLEAR, BOTH(fn)), \
		REFUSE("set", "Linux has no way to set the DF bit of the outer header of a packet without one", \
		       "`copy` sets it for packets that have it")))
#define ECN(fn) \
	KW("ecn", "of the header around a packet: congestion that routers tell of", .undo = fn, \
	   NEXT(KW("discard", "none, as IOS does", .min = ECN_DISCARD, BOTH(fn)), \
		KW("propagate", "as the packet's own (RFC 4301, RFC 6040)", .min = ECN_PROPAGATE, \
		   BOTH(fn))))
#define NO_DUMMY \
	REFUSE("dummy", "Linux sends no dummy packets in its SAs", "leave it out")

/* table_acl.c */
extern const struct node acl4_commands[], acl6_commands[], access_list[], ip_access_list[];
extern const struct node ipv6_access_list[];
/* table_ip.c */
extern const struct node ip_commands[];
/* table_ikev2.c */
extern const struct node proposal_commands[], policy_commands[], crypto_ikev2[];
extern const struct node ikev2_dpd[], nat_keepalive[]; /* of a profile, too */
/* table_isakmp.c */
extern const struct node crypto_isakmp[];
/* table_keyring.c */
extern const struct node key_commands[];
extern const struct node keyring_commands[], keyring_peer_commands[];
/* table_pki.c */
extern const struct node trustpoint_commands[], cert_map_commands[];
/* table_profile.c */
extern const struct node profile_commands[];
/* table_ipsec.c */
extern const struct node transform_set_commands[], crypto_ipsec[];
/* table_map.c */
extern const struct node map_commands[], dynamic_map[], crypto_map[];
/* table_aaa.c */
extern const struct node aaa_commands[], radius_commands[], radius_server_commands[];
/* table_manual.c */
extern const struct node map_manual_commands[];
/* table_interface.c */
extern const struct node interface_commands[];

#endif
