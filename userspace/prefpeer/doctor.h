/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * prefpeer doctor: what on this machine will hurt. Facts are looked at by
 * doctor_look.c; each judge here is a pure function of them.
 */
#ifndef PREFPEER_DOCTOR_H
#define PREFPEER_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/selector.h"

enum doctor_level { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

#define DOCTOR_LINES 64
#define DOCTOR_IFACES 16

/* One line of an access list, and by which interfaces its packets leave. */
struct doctor_line {
	char name[48]; /* "tohub 1 line 1" */
	struct prefix src, dst;
};

/* Of /proc/sys/net/ipv4/conf/IF; -1: not to be read. */
struct doctor_iface {
	char name[16];
	bool carries; /* a crypto map */
	int rp_filter, disable_policy, disable_xfrm;
};

/* Who holds a UDP port. */
struct doctor_socket {
	unsigned port;
	char program[32]; /* "": not known */
};

/* A policy that is not the agent's. */
struct doctor_policy {
	struct selector sel;
	bool out;
	uint32_t priority, reqid;
};

struct doctor_facts {
	bool agent;	   /* it answers */
	bool module, told; /* the module is there; the agent says so too */
	char module_version[64];
	struct doctor_line lines[DOCTOR_LINES];
	unsigned n_lines;
	unsigned lowest_priority; /* of the agent's policies: the one that is met first */
	struct doctor_iface ifaces[DOCTOR_IFACES];
	unsigned n_ifaces;
	int forward4, forward6, rp_all, policy_all, xfrm_all; /* sysctls; -1: not to be read */
	json_t *ruleset;				      /* NULL: … */
	char nft_error[160];
	struct doctor_socket sockets[8];
	unsigned n_sockets;
	struct doctor_policy policies[32];
	unsigned n_policies, policies_left_out;
	bool policies_read;
	bool clock_synced, clock_read;
	int year;
	/* The configuration. */
	char conf_path[256];
	int conf_errno;	    /* of opening it; 0 = it can be read */
	unsigned conf_mode; /* permission bits */
	int conf_status;    /* of `prefpeerd -t`; -1: it could not be run */
	char conf_said[400];
};

struct doctor_finding {
	const char *check; /* stable: a key of the JSON */
	enum doctor_level level;
	char text[500], cure[400]; /* what is so, and what to do; cure "" where all is well */
};

typedef void (*doctor_judge)(const struct doctor_facts *f, struct doctor_finding *out);

/* Every check in its order, NULL at the end. */
extern const doctor_judge doctor_judges[];

/* doctor_judge.c, doctor_nft.c; each sets @out whole. */
void doctor_module(const struct doctor_facts *f, struct doctor_finding *out);
void doctor_config(const struct doctor_facts *f, struct doctor_finding *out);
void doctor_agent(const struct doctor_facts *f, struct doctor_finding *out);
void doctor_ports(const struct doctor_facts *f, struct doctor_finding *out);
void doctor_policies(const struct doctor_facts *f, struct doctor_finding *out);
void doctor_forwarding(const struct doctor_facts *f, struct doctor_finding *out);
void doctor_rp_filter(const struct doctor_facts *f, struct doctor_finding *out);
void doctor_no_xfrm(const struct doctor_facts *f, struct doctor_finding *out);
void doctor_no_policy(const struct doctor_facts *f, struct doctor_finding *out);
void doctor_clock(const struct doctor_facts *f, struct doctor_finding *out);
void doctor_nat(const struct doctor_facts *f, struct doctor_finding *out);
void doctor_input(const struct doctor_facts *f, struct doctor_finding *out);
void doctor_forward(const struct doctor_facts *f, struct doctor_finding *out);
void doctor_mss(const struct doctor_facts *f, struct doctor_finding *out);

/* For the judges: a level, and its two sentences. */
void doctor_say(struct doctor_finding *out, const char *check, enum doctor_level level,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void doctor_cure(struct doctor_finding *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
const char *doctor_level_name(enum doctor_level l);

/* doctor_look.c: facts of this network namespace; the agent's by @maps (NULL: it gave no answer).
 */
void doctor_look(struct doctor_facts *f, const json_t *answer, const char *conf_path);
void doctor_forget(struct doctor_facts *f);

#endif
