#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# A hub in use, and thousands of callers that do not exist (semantics.md §14.2, RFC 7296
# §2.6): what they cost is bounded, those who are there do not notice, and a branch that
# calls in the midst of it comes in. test_ike_flood counts the same without a kernel.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 7

# What the configuration allows; cookies are asked for from the default on.
at_most=200 cookies_from=100
half_open_s=10
# An IKE SA in negotiation: the peer's IKE_SA_INIT, ours, and what libcrypto has of the keys.
half_open_kib=12

hub_conf()
{
	cat >"$tmp/prefpeer.conf" <<-CONF
	crypto isakmp key $psk address 0.0.0.0 0.0.0.0
	crypto ikev2 dpd 10 2 periodic
	crypto ikev2 limit max-in-negotiation-sa $at_most
	crypto ipsec transform-set ts esp-gcm 128
	access-list 110 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.1.255
	crypto dynamic-map branches 10
	 set transform-set ts
	 match address 110
	crypto map tohub 65000 ipsec-isakmp dynamic branches
	interface wan0
	 crypto map tohub
	CONF
	agent_conf_mode
}

# Hub 1 is a branch with the site behind it, hub 2 one that comes later, and the
# strangers are behind hub 3.
start()
{
	agent_user && topology 3 && module_load && hub_start 1 && hub_start 2 local_ts=192.168.3.0/24 || return
	ip -n "$hub3" route add local 11.0.0.0/8 dev lo && ip -n "$transit" route add 11.0.0.0/8 via $h3 || return
	ip -n "$hub2" addr add 192.168.3.1/24 dev lo
	flow_listen flow && capture_start && hub_conf && e2e_agent && call 1 || return
	flow_start flow 20000 && wait_for 10 flow_more flow 50 || fail "no traffic"
}

call() { swanctl_of "hub$1" --initiate --child branch4-net4 --timeout 30 >"$tmp/call$1.log" 2>&1; }
stat_of() { pp -j stats agent | jq ".$1"; }
rss_kib() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$agent_pid/status"; }

# strangers COUNT FIRST [--return-cookies]: sets sent answered cookies served, and kib, by
# which the agent has grown
strangers()
{
	local before told

	before=$(rss_kib)
	told=$(in_ns "$hub3" "$python" -B "$selftests_dir/flood.py" "$branch_addr" "$@") || fail "flood.py" || return
	eval "$told"
	kib=$(($(rss_kib) - before))
}

# bytes FROM TO SINCE: of IKE, on the wire; patterns of addresses
bytes() { wire_log "$3" | awk -v f="$1" -v t="$2" '$2 == "ike" && $3 ~ f && $4 ~ t { sub(/.*len=/, ""); n += $0 } END { print n + 0 }'; }

# Nobody is at those addresses: no cookie comes back.
forged()
{
	local t in out

	t=$(now_ns)
	strangers 1000 0 || return
	expect "requests" "echo $sent" 1000 && expect "answers" "echo $answered" 1000 || return
	expect "asked for a cookie, counted by the agent" "stat_of cookies" "$cookies" || return
	# Some go after their ten seconds, and others take their places; at once it is one hundred.
	within "in negotiation" "$(stat_of in_negotiation)" 1 $cookies_from || return
	within "requests that cost a Diffie-Hellman" "$served" $cookies_from $((2 * cookies_from)) || return
	within "KiB of memory" $kib 0 $((cookies_from * half_open_kib)) || return
	capture_sync
	in=$(bytes '^11\.' "$branch_addr" "$t") out=$(bytes "$branch_addr" '^11\.' "$t")
	within "bytes of answers" "$out" $((1000 * 28)) "$in"
}

# A cookie comes back at once from who is where he says he is.
a_branch_calls()
{
	local t asked served

	wait_for $((2 * half_open_s)) nobody_in_negotiation || fail "still $(stat_of in_negotiation)" || return
	strangers $((cookies_from + 50)) 3000 || return
	expect "in negotiation" "stat_of in_negotiation" $cookies_from || return
	t=$(now_ns)
	call 2 || fail "the branch did not come in: $(tail -n 5 "$tmp/call2.log")" || return
	grep -q 'IKE_SA_INIT request 0 .*N(COOKIE)' "$tmp/hub2.log" || fail "it was not asked for a cookie" || return
	in_ns "$lan" ping -q -c 1 -W 2 192.168.3.1 >/dev/null || fail "no traffic with it" || return
	# On the wire: charon overlooks an answer that comes too soon, and asks again after 4 s.
	capture_sync
	asked=$(wire_first " ike $h2 $branch_addr .*exch=IKE_SA_INIT " "$t") &&
	served=$(wire_first " ike $branch_addr $h2 .*rspi=[0-9a-f]*[1-9a-f][0-9a-f]* exch=IKE_SA_INIT " "$t") ||
		fail "no answer that opens an IKE SA" || return
	within "ms from its call to the answer that opens an IKE SA" "$(ms_between "$asked" "$served")" 1 500
}

# Who has all those addresses and returns each cookie takes what there is, and no more.
cookies_returned()
{
	local was

	wait_for $((2 * half_open_s)) nobody_in_negotiation || fail "still $(stat_of in_negotiation)" || return
	was=$(stat_of refused_in_negotiation)
	strangers 400 5000 --return-cookies || return
	within "requests that cost a Diffie-Hellman" "$served" $at_most $((2 * at_most)) || return
	within "in negotiation" "$(stat_of in_negotiation)" 1 $at_most || return
	expect "refused, counted by the agent" "echo $(($(stat_of refused_in_negotiation) - was))" $((400 - served)) || return
	[ "$served" -lt 400 ] || fail "nobody was refused" || return
	within "KiB of memory" $kib 0 $((at_most * half_open_kib))
}

nobody_in_negotiation() { [ "$(stat_of in_negotiation)" = 0 ]; }

given_back()
{
	wait_for $((2 * half_open_s)) nobody_in_negotiation || fail "still $(stat_of in_negotiation)" || return
	expect "begun by peers and alive" "stat_of begun_by_peers" 2 || return
	# What libc keeps of it is used again: the same once more takes nothing.
	strangers 400 20000 --return-cookies || return
	within "KiB of memory, the second time" $kib 0 $((at_most * half_open_kib / 4))
}

# The tunnel that was there all the time.
not_noticed()
{
	flow_stop
	flow_report flow
	[ "$received" -ge 500 ] || fail "only $received packets" || return
	expect "packets lost" "echo $lost" 0 || return
	! grep -q '"event":"map-state".*"to":"DOWN"' "$tmp/monitor.log" || fail "a branch went: $(grep '"to":"DOWN"' "$tmp/monitor.log" | head -n 1)"
}

test_case "a hub with a branch, and traffic" start || { finish; exit; }
test_case "a thousand callers that are not there: cookies, bounded memory, no more bytes than came" forged
test_case "a branch that calls in the midst of them comes in, by a cookie" a_branch_calls
test_case "four hundred that return their cookies: the configured limit, bounded memory" cookies_returned
test_case "all of it is given back, and used again" given_back
test_case "traffic did not notice" not_noticed
test_case "nothing in clear" nothing_in_clear
finish
