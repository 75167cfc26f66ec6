// SPDX-License-Identifier: GPL-2.0-or-later
/* The judges that ask sysctls, sockets, policies, files. Those of nftables: doctor_nft.c. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "prefpeer/doctor.h"

#define YEAR_MIN 2024 /* this program is younger: an earlier clock was never set */

const doctor_judge doctor_judges[] = {
	doctor_config,	  doctor_agent,	  doctor_module,    doctor_ports, doctor_policies,
	doctor_nat,	  doctor_input,	  doctor_forward,   doctor_mss,	  doctor_forwarding,
	doctor_rp_filter, doctor_no_xfrm, doctor_no_policy, doctor_clock, NULL,
};

void doctor_say(struct doctor_finding *out, const char *check, enum doctor_level level,
		const char *fmt, ...)
{
	va_list ap;

	*out = (struct doctor_finding){ .check = check, .level = level };
	va_start(ap, fmt);
	vsnprintf(out->text, sizeof(out->text), fmt, ap);
	va_end(ap);
}

void doctor_cure(struct doctor_finding *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out->cure, sizeof(out->cure), fmt, ap);
	va_end(ap);
}

const char *doctor_level_name(enum doctor_level l)
{
	static const char *const names[] = { "ok", "warn", "fail" };

	return (unsigned)l < 3 ? names[l] : "?";
}

/* ---- configuration, agent, module ---------------------------------------- */

void doctor_config(const struct doctor_facts *f, struct doctor_finding *out)
{
	if (f->conf_errno) {
		doctor_say(out, "config", DOCTOR_FAIL, "%s cannot be read: %s", f->conf_path,
			   strerror(f->conf_errno));
		doctor_cure(out, "write it (prefpeer.conf(5)), owner root:prefpeer, mode 0640");
	} else if (f->conf_mode & 07) {
		doctor_say(out, "config", DOCTOR_FAIL,
			   "%s, with its keys, is open to everybody (mode %04o)", f->conf_path,
			   f->conf_mode);
		doctor_cure(out, "chown root:prefpeer %s && chmod 0640 %s", f->conf_path,
			    f->conf_path);
	} else if (f->conf_status > 0) {
		doctor_say(out, "config", DOCTOR_FAIL, "%s has errors: %s", f->conf_path,
			   f->conf_said);
		doctor_cure(out, "prefpeerd -t -f %s names each with its line", f->conf_path);
	} else if (f->conf_status < 0) {
		doctor_say(out, "config", DOCTOR_WARN,
			   "%s can be read, but prefpeerd could not be run to check it",
			   f->conf_path);
		doctor_cure(out, "install prefpeerd where the PATH finds it");
	} else {
		doctor_say(out, "config", DOCTOR_OK, "%s has no error", f->conf_path);
	}
}

void doctor_agent(const struct doctor_facts *f, struct doctor_finding *out)
{
	if (f->agent) {
		doctor_say(out, "agent", DOCTOR_OK, "prefpeerd answers, and protects %u line%s",
			   f->n_lines, f->n_lines == 1 ? "" : "s");
		return;
	}
	doctor_say(out, "agent", DOCTOR_FAIL,
		   "prefpeerd does not answer: nobody sets up a tunnel, and "
		   "which networks are to be protected is not known here");
	doctor_cure(out, "systemctl enable --now prefpeer-lock prefpeerd");
}

void doctor_module(const struct doctor_facts *f, struct doctor_finding *out)
{
	if (!f->module) {
		doctor_say(out, "module", DOCTOR_WARN,
			   "the kernel module is not loaded: the agent polls, "
			   "idleness and silence are noticed later");
		doctor_cure(out,
			    "modprobe prefpeer, and name it in /etc/modules-load.d/prefpeer.conf");
	} else if (*f->module_version && strcmp(f->module_version, PREFPEER_VERSION)) {
		doctor_say(out, "module", DOCTOR_WARN,
			   "the module that is loaded is version %s, this program %s",
			   f->module_version, PREFPEER_VERSION);
		doctor_cure(
			out,
			"make modules_install && depmod && modprobe -r prefpeer && modprobe prefpeer");
	} else if (f->agent && !f->told) {
		doctor_say(out, "module", DOCTOR_WARN,
			   "the module is loaded, but the agent does not use it");
		doctor_cure(out,
			    "see its log; it joins the module within seconds, or says why not");
	} else {
		doctor_say(out, "module", DOCTOR_OK, "the kernel module is loaded");
	}
}

/* ---- others -------------------------------------------------------------- */

void doctor_ports(const struct doctor_facts *f, struct doctor_finding *out)
{
	for (unsigned i = 0; i < f->n_sockets; i++) {
		const struct doctor_socket *s = &f->sockets[i];

		if (!*s->program || !strcmp(s->program, "prefpeerd"))
			continue;
		doctor_say(out, "ike-ports", DOCTOR_FAIL,
			   "%s holds UDP port %u: only one IKE daemon can", s->program, s->port);
		doctor_cure(
			out,
			"stop it, and keep it from starting: systemctl disable --now the unit of %s",
			s->program);
		return;
	}
	if (f->agent && f->n_sockets < 2) {
		doctor_say(out, "ike-ports", DOCTOR_WARN,
			   "the agent runs, but not both of UDP 500 and 4500 are "
			   "held in this network namespace");
		doctor_cure(out, "prefpeer -n NETNS doctor, in the namespace where prefpeerd runs");
		return;
	}
	doctor_say(out, "ike-ports", DOCTOR_OK,
		   f->n_sockets ? "UDP 500 and 4500 are held by no other IKE daemon"
				: "UDP 500 and 4500 are free");
}

static const struct doctor_line *overlaps(const struct doctor_facts *f,
					  const struct doctor_policy *p)
{
	for (unsigned i = 0; i < f->n_lines; i++) {
		const struct doctor_line *l = &f->lines[i];
		const struct prefix *src = p->out ? &p->sel.src : &p->sel.dst;
		const struct prefix *dst = p->out ? &p->sel.dst : &p->sel.src;

		if ((prefix_contains(src, &l->src) || prefix_contains(&l->src, src)) &&
		    (prefix_contains(dst, &l->dst) || prefix_contains(&l->dst, dst)))
			return l;
	}
	return NULL;
}

void doctor_policies(const struct doctor_facts *f, struct doctor_finding *out)
{
	char sel[SELECTOR_STRLEN];

	for (unsigned i = 0; i < f->n_policies; i++) {
		const struct doctor_policy *p = &f->policies[i];
		const struct doctor_line *l = overlaps(f, p);
		bool first = l && (!f->lowest_priority || p->priority <= f->lowest_priority);

		if (!l)
			continue;
		doctor_say(
			out, "policies", first ? DOCTOR_FAIL : DOCTOR_WARN,
			"a policy of somebody else, %s (priority %u, reqid %u), is about packets of %s%s",
			selector_print(&p->sel, sel, sizeof(sel)), p->priority, p->reqid, l->name,
			first ? ", and takes them first" : "");
		doctor_cure(
			out,
			"end that connection in its daemon (swanctl --terminate, and unload it); then "
			"ip xfrm policy shows whether it is gone");
		return;
	}
	if (!f->policies_read) {
		doctor_say(out, "policies", DOCTOR_WARN,
			   "the kernel's IPsec policies may not be read");
		doctor_cure(out, "run it as root");
		return;
	}
	doctor_say(out, "policies", DOCTOR_OK, "%u policies of others, none about our packets%s",
		   f->n_policies, f->policies_left_out ? "; some were not looked at" : "");
}

/* ---- sysctls ------------------------------------------------------------- */

static bool any_family(const struct doctor_facts *f, sa_family_t family)
{
	for (unsigned i = 0; i < f->n_lines; i++)
		if (f->lines[i].dst.addr.family == family)
			return true;
	return !f->n_lines && family == AF_INET;
}

void doctor_forwarding(const struct doctor_facts *f, struct doctor_finding *out)
{
	const char *name = NULL;

	if (any_family(f, AF_INET) && !f->forward4)
		name = "net.ipv4.ip_forward";
	else if (any_family(f, AF_INET6) && !f->forward6)
		name = "net.ipv6.conf.all.forwarding";
	if (!name) {
		doctor_say(out, "forwarding", DOCTOR_OK, "packets are forwarded");
		return;
	}
	doctor_say(out, "forwarding", DOCTOR_FAIL,
		   "%s is 0: no packet of a LAN goes through a tunnel, only "
		   "this machine's own",
		   name);
	doctor_cure(out, "sysctl -w %s=1, and the same line in /etc/sysctl.d/", name);
}

static unsigned carriers(const struct doctor_facts *f)
{
	unsigned n = 0;

	for (unsigned i = 0; i < f->n_ifaces; i++)
		n += f->ifaces[i].carries;
	return n;
}

/* What was decapsulated is not asked for its way back, but ESP and IKE themselves are. */
void doctor_rp_filter(const struct doctor_facts *f, struct doctor_finding *out)
{
	for (unsigned i = 0; i < f->n_ifaces; i++) {
		const struct doctor_iface *d = &f->ifaces[i];
		int in_force = d->rp_filter > f->rp_all ? d->rp_filter : f->rp_all;

		if (!d->carries || in_force != 1 || carriers(f) < 2)
			continue;
		doctor_say(
			out, "rp_filter", DOCTOR_WARN,
			"rp_filter is strict on %s, and the map stands on more than "
			"one interface: ESP of a peer whose route leads out by another is dropped",
			d->name);
		doctor_cure(
			out,
			"sysctl -w net.ipv4.conf.%s.rp_filter=2, the greater of it and all.rp_filter counts",
			d->name);
		return;
	}
	doctor_say(out, "rp_filter", DOCTOR_OK,
		   "no packet of a peer is dropped for its source address");
}

void doctor_no_xfrm(const struct doctor_facts *f, struct doctor_finding *out)
{
	for (unsigned i = 0; i < f->n_ifaces; i++) {
		const struct doctor_iface *d = &f->ifaces[i];

		if ((!d->carries && f->n_lines) || (d->disable_xfrm <= 0 && f->xfrm_all <= 0))
			continue;
		doctor_say(out, "disable_xfrm", DOCTOR_FAIL,
			   "disable_xfrm is set on %s: packets leave by it in clear, "
			   "whatever the policies say",
			   d->disable_xfrm > 0 ? d->name : "all");
		doctor_cure(out, "sysctl -w net.ipv4.conf.%s.disable_xfrm=0",
			    d->disable_xfrm > 0 ? d->name : "all");
		return;
	}
	doctor_say(out, "disable_xfrm", DOCTOR_OK, "no interface is exempt from encryption");
}

void doctor_no_policy(const struct doctor_facts *f, struct doctor_finding *out)
{
	for (unsigned i = 0; i < f->n_ifaces; i++) {
		const struct doctor_iface *d = &f->ifaces[i];

		if (d->disable_policy <= 0 && f->policy_all <= 0)
			continue;
		doctor_say(out, "disable_policy", DOCTOR_FAIL,
			   "disable_policy is set on %s: packets of protected "
			   "networks are let in by it in clear",
			   d->disable_policy > 0 ? d->name : "all");
		doctor_cure(out, "sysctl -w net.ipv4.conf.%s.disable_policy=0",
			    d->disable_policy > 0 ? d->name : "all");
		return;
	}
	doctor_say(out, "disable_policy", DOCTOR_OK, "no interface is exempt from policies");
}

/* ---- clock --------------------------------------------------------------- */

void doctor_clock(const struct doctor_facts *f, struct doctor_finding *out)
{
	if (f->year < YEAR_MIN) {
		doctor_say(out, "clock", DOCTOR_FAIL,
			   "the clock says %d: certificates are not valid yet", f->year);
		doctor_cure(out, "set it, and run chrony or systemd-timesyncd");
	} else if (f->clock_read && !f->clock_synced) {
		doctor_say(out, "clock", DOCTOR_WARN,
			   "nothing keeps the clock right: certificates may be refused, and "
			   "the times of events cannot be compared");
		doctor_cure(out, "run chrony or systemd-timesyncd");
	} else {
		doctor_say(out, "clock", DOCTOR_OK, "the clock is kept right");
	}
}
