#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# prefpeer doctor: each fault is made on a branch and seen, then cured, where there is a
# command by the one that doctor itself names, and seen to be cured.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 13

# It checks the configuration by the agent's own program.
PATH=$(dirname "$prefpeerd"):$PATH

# finds CHECK LEVEL [TEXT]: so does doctor
finds()
{
	pp -j doctor "$tmp/prefpeer.conf" >"$tmp/doctor.log" 2>&1
	doctor_status=$?
	json_is "[c.level for c in d if c.check == '$1'] == ['$2']" "$(<"$tmp/doctor.log")" &&
	json_is "'''$3''' in [c.text for c in d if c.check == '$1'][0]" "$(<"$tmp/doctor.log")" ||
		fail "$1 is not $2 with \"$3\": $(json_value "[c for c in d if c.check == '$1']" "$(<"$tmp/doctor.log")")"
}

# cure CHECK: what it names, up to the first comma, done in the branch
cure()
{
	local command

	command=$(json_value "[c.cure for c in d if c.check == '$1'][0].split(', ')[0]" "$(<"$tmp/doctor.log")") || return
	in_ns "$branch" bash -c "$command" >"$tmp/cure.log" 2>&1 || fail "$command: $(<"$tmp/cure.log")"
}

nft_branch()
{
	in_ns "$branch" nft -f - >"$tmp/nft.log" 2>&1 || fail "$(<"$tmp/nft.log")"
}

nothing_is_there_yet()
{
	e2e_module=no e2e_up 0 || return
	finds agent fail "does not answer" && finds module warn "not loaded" &&
	finds config fail "No such file" && finds ike-ports ok free || return
	[ "$doctor_status" = 2 ] || fail "status $doctor_status"
}

well_once_it_runs()
{
	module_load || return
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" && e2e_agent || return
	finds agent ok "protects 1 line" && finds module ok && finds config ok &&
	finds ike-ports ok "no other IKE daemon" && finds policies ok && finds nat ok &&
	finds input ok && finds forward ok && finds forwarding ok || return
	json_is "not [c for c in d if c.level == 'fail']" "$(<"$tmp/doctor.log")" ||
		fail "a fault where there is none: $(<"$tmp/doctor.log")" || return
	[ "$doctor_status" -le 1 ] || fail "status $doctor_status"
}

configuration()
{
	chmod 0644 "$tmp/prefpeer.conf"
	finds config fail "open to everybody" || return
	chmod 0640 "$tmp/prefpeer.conf"
	echo "crypto ipsec security-association idle-time 59" >>"$tmp/prefpeer.conf"
	finds config fail "has errors" || return
	sed -i '$d' "$tmp/prefpeer.conf"
	finds config ok
}

masquerading()
{
	nft_branch <<-EOF || return
	table ip nat {
		chain postrouting {
			type nat hook postrouting priority srcnat
			oifname "wan0" masquerade
		}
	}
	EOF
	finds nat fail "tohub 1 line 1 are translated on their way out (ip nat postrouting, handle" &&
	cure nat && finds nat ok
}

input_filter()
{
	nft_branch <<-EOF || return
	table inet filter {
		chain input {
			type filter hook input priority filter; policy drop;
			ct state established accept
		}
	}
	EOF
	finds input warn "UDP 500 (IKE) is let in only as an answer" && cure input &&
	finds input warn "ESP is let in only as an answer" && cure input && finds input ok || return
	nft_branch <<<"flush chain inet filter input"
	finds input fail "UDP 500 (IKE) is dropped" || return
	nft_branch <<<"delete table inet filter"
	finds input ok
}

forward_filter()
{
	nft_branch <<-EOF || return
	table inet filter {
		chain forward {
			type filter hook forward priority filter; policy drop;
		}
	}
	EOF
	finds forward fail "packets of tohub 1 line 1 are dropped" && cure forward &&
	finds forward fail "packets that come by the tunnel of tohub 1 line 1" && cure forward &&
	finds forward ok
}

segment_size()
{
	finds mss warn "not clamped" && cure mss && finds mss ok
}

forwarding_off()
{
	sysctl_ns "$branch" net.ipv4.ip_forward=0
	finds forwarding fail "net.ipv4.ip_forward is 0" && cure forwarding && finds forwarding ok
}

exempt_interfaces()
{
	sysctl_ns "$branch" net.ipv4.conf.wan0.disable_xfrm=1 net.ipv4.conf.lan0.disable_policy=1
	finds disable_xfrm fail "set on wan0" && cure disable_xfrm && finds disable_xfrm ok &&
	finds disable_policy fail "set on lan0" && cure disable_policy && finds disable_policy ok
}

strict_rp_filter()
{
	sysctl_ns "$branch" net.ipv4.conf.wan0.rp_filter=1
	finds rp_filter ok || return
	in_ns "$branch" ip link add wan1 type dummy
	printf 'interface wan1\n crypto map tohub\n' >>"$tmp/prefpeer.conf"
	pp reload && finds rp_filter warn "strict on wan0" && cure rp_filter && finds rp_filter ok
}

somebody_elses_policy()
{
	in_ns "$branch" ip xfrm policy add src 192.168.1.5/32 dst $site_net dir out priority 375423 \
		tmpl src $branch_addr dst $h3 proto esp reqid 1 mode tunnel || return
	finds policies fail "takes them first" || return
	in_ns "$branch" ip xfrm policy del src 192.168.1.5/32 dst $site_net dir out
	finds policies ok
}

another_daemon()
{
	agent_stop || return
	flow_pid=
	bg "$tmp/other.log" ip netns exec "$branch" "$udpflow" recv $branch_addr 500 "$tmp/other.recv"
	wait_for 10 test -e "$tmp/other.recv" || return
	finds ike-ports fail "udpflow holds UDP port 500" || return
	kill "$bg_pid"
	wait "$bg_pid" 2>/dev/null
	finds ike-ports ok "free"
}

text_for_people()
{
	pp doctor "$tmp/prefpeer.conf" >"$tmp/out.log" 2>&1
	[ $? -eq 2 ] || fail "no agent, and the status is not 2" || return
	grep -qE '^fail agent +prefpeerd does not answer' "$tmp/out.log" &&
	grep -qE '^ +→ systemctl enable --now' "$tmp/out.log" &&
	grep -qE '^ok   nat +' "$tmp/out.log" || fail "$(<"$tmp/out.log")"
}

test_case "without anything it names what is missing" nothing_is_there_yet
test_case "once it runs there is no fault" well_once_it_runs
test_case "a configuration that is open, or has errors" configuration
test_case "masquerading, cured by the rule it names" masquerading
test_case "an input filter, cured by the rules it names" input_filter
test_case "a forward filter, likewise" forward_filter
test_case "the segment size, likewise" segment_size
test_case "forwarding is off" forwarding_off
test_case "interfaces that are exempt" exempt_interfaces
test_case "strict rp_filter on one of two WANs" strict_rp_filter
test_case "a policy of somebody else" somebody_elses_policy
test_case "another daemon on the port" another_daemon
test_case "as text" text_for_people
finish
