#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Manual SAs (semantics.md §4.1) with a hub whose SAs and policies are made by hand:
# traffic both ways, reload, restart, kill -9, others who interfere, wrong keys.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 14

k_in=00112233445566778899aabbccddeeff k_out=ffeeddccbbaa99887766554433221100
k_bad=0123456789abcdef0123456789abcdef

# manual_conf IN OUT [AUTHENTICATOR of what goes out]: SPIs, in decimal
manual_conf()
{
	{
		echo "crypto ipsec transform-set ts esp-aes 128 esp-sha256-hmac"
		echo "access-list 101 permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255"
		echo "crypto map tohub 1 ipsec-manual"
		echo " set peer $h1"
		echo " set transform-set ts"
		echo " set session-key inbound esp $1 cipher $k_in authenticator $k_in$k_in"
		echo " set session-key outbound esp $2 cipher $k_out authenticator ${3:-$k_out$k_out}"
		echo " match address 101"
		echo "interface wan0"
		echo " crypto map tohub"
	} >"$tmp/prefpeer.conf"
	agent_conf_mode
}

# hub_sas IN OUT: as the branch counts them
hub_sas()
{
	ip -n "$hub1" xfrm state add src $h1 dst $branch_addr proto esp spi "$1" mode tunnel \
		enc 'cbc(aes)' 0x$k_in auth-trunc 'hmac(sha256)' 0x$k_in$k_in 128 &&
	ip -n "$hub1" xfrm state add src $branch_addr dst $h1 proto esp spi "$2" mode tunnel \
		enc 'cbc(aes)' 0x$k_out auth-trunc 'hmac(sha256)' 0x$k_out$k_out 128
}

hub_without()
{
	ip -n "$hub1" xfrm state delete src $h1 dst $branch_addr proto esp spi "$1" &&
	ip -n "$hub1" xfrm state delete src $branch_addr dst $h1 proto esp spi "$2"
}

hub_by_hand()
{
	local dir

	hub_sas 300 301 &&
	ip -n "$hub1" xfrm policy add dir out src $site_net dst $lan_net \
		tmpl src $h1 dst $branch_addr proto esp mode tunnel || return
	for dir in in fwd; do
		ip -n "$hub1" xfrm policy add dir $dir src $lan_net dst $site_net \
			tmpl src $branch_addr dst $h1 proto esp mode tunnel || return
	done
	ip -n "$site" route add $lan_net via 192.168.2.1
}

entry_is() { [ "$(map_get .state)" = "$1" ]; }
spis() { echo $(sa_spis "$branch" $h1 $branch_addr) $(sa_spis "$branch" $branch_addr $h1); }
expect_spis() { expect "SPIs in and out" spis "$1"; }

start()
{
	agent_user && topology 1 && module_load && capture_start && hub_by_hand || return
	manual_conf 300 301
	e2e_agent || return
	entry_is UP || fail "not up: $(map_get .why)" || return
	expect_spis "0000012c 0000012d"
}

# No window, no limits, numbers that begin again: nobody can make new ones in time.
without_end()
{
	local sad

	sad=$(ip -n "$branch" -s xfrm state list src $branch_addr dst $h1)
	grep -q 'replay-window 0' <<<"$sad" && grep -q 'oseq-may-wrap' <<<"$sad" &&
	grep -q 'limit: soft (INF)(bytes), hard (INF)(bytes)' <<<"$sad" &&
	grep -q 'expire add: soft 0(sec), hard 0(sec)' <<<"$sad" || fail "outbound: $sad" || return
	sad=$(ip -n "$branch" -s xfrm state list src $h1 dst $branch_addr)
	grep -q 'replay-window 0' <<<"$sad" &&
	grep -q 'expire add: soft 0(sec), hard 0(sec)' <<<"$sad" || fail "inbound: $sad"
}

passes()
{
	local t

	t=$(now_ns)
	in_ns "$lan" ping -c 5 -i 0.1 -W 1 $site_host >"$tmp/ping.log"
	grep -q ' 5 received' "$tmp/ping.log" || fail "not both ways: $(tail -n 2 "$tmp/ping.log")" || return
	in_ns "$site" ping -c 5 -i 0.1 -W 1 $lan_host >"$tmp/ping.log"
	grep -q ' 5 received' "$tmp/ping.log" || fail "not from the site: $(tail -n 2 "$tmp/ping.log")" || return
	nothing_in_clear "$t"
}

shown_without_keys()
{
	expect "origin of the entry" "map_get .origin" manual &&
	expect "origin of the session" "json_value 'o.origin' \"\$(pp -j session show)\"" manual ||
		return
	{
		pp map show && pp -d map show && pp -j map show && pp session show && pp sa show &&
		cat "$tmp/agent.log" "$tmp/monitor.log"
	} >"$tmp/shown.log" 2>&1
	grep -q 'manual' "$tmp/shown.log" || fail "nothing says that it is manual" || return
	! grep -qi -e $k_in -e $k_out "$tmp/shown.log" || fail "a key is shown"
}

# lossless NAME FROM_NS: of the flow since then, and something did arrive
lossless()
{
	local received lost

	flow_report "$1" "$2"
	[ "$received" -gt 0 ] && [ "$lost" -eq 0 ] || fail "$received packets arrived, $lost were lost"
}

reload_changes_nothing()
{
	local t before

	flow_listen flow && flow_start flow 20000 || return
	wait_for 20 flow_more flow 10 || fail "no traffic" || return
	t=$(now_ns)
	before=$(sa_packets "$branch" 0000012d)
	pp reload >"$tmp/reload.log" 2>&1 || fail "reload: $(cat "$tmp/reload.log")" || return
	wait_for 20 flow_more flow $(($(flow_received flow) + 20)) || fail "no traffic after it" || return
	[ "$(sa_packets "$branch" 0000012d)" -gt "$before" ] || fail "its counters began again" || return
	lossless flow "$t"
}

# The hub has both pairs meanwhile; which one it answers by is its own affair.
another_spi_without_a_gap()
{
	local t

	hub_sas 400 401 || return
	t=$(now_ns)
	manual_conf 400 401
	pp reload >"$tmp/reload.log" 2>&1 || fail "reload: $(cat "$tmp/reload.log")" || return
	wait_for 20 flow_more flow $(($(flow_received flow) + 20)) || fail "no traffic after it" || return
	expect_spis "00000190 00000191" && lossless flow "$t" || return
	hub_without 300 301 && passes
}

survives_sigterm()
{
	local t before

	t=$(now_ns)
	before=$(sa_packets "$branch" 00000191)
	agent_stop || return
	wait_for 20 flow_more flow $(($(flow_received flow) + 20)) || fail "no traffic without the agent" || return
	e2e_agent || return
	entry_is UP || fail "not up: $(map_get .why)" || return
	expect_spis "00000190 00000191" || return
	wait_for 20 flow_more flow $(($(flow_received flow) + 20)) || fail "no traffic after it" || return
	[ "$(sa_packets "$branch" 00000191)" -gt "$before" ] || fail "its counters began again" || return
	lossless flow "$t" && nothing_in_clear "$t"
}

survives_kill()
{
	local t

	t=$(now_ns)
	agent_kill && e2e_agent || return
	entry_is UP || fail "not up: $(map_get .why)" || return
	wait_for 20 flow_more flow $(($(flow_received flow) + 20)) || fail "no traffic after it" || return
	lossless flow "$t" && nothing_in_clear "$t"
}

has_spis() { [ "$(spis)" = "$1" ]; }

deleted_by_another()
{
	local t

	t=$(now_ns)
	ip -n "$branch" xfrm state delete src $branch_addr dst $h1 proto esp spi 401 || return
	wait_for 20 has_spis "00000190 00000191" || fail "it did not come back: $(spis)" || return
	wait_for 10 monitor_has 'another program deleted the SA with SPI 401; its SAs are installed again' ||
		fail "nothing says so" || return
	ip -n "$branch" xfrm state flush
	wait_for 20 has_spis "00000190 00000191" || fail "they did not come back: $(spis)" || return
	wait_for 20 flow_more flow $(($(flow_received flow) + 20)) || fail "no traffic after it" || return
	nothing_in_clear "$t"
}

integrity_failures() { in_ns "$hub1" awk '$1 == "XfrmInStateProtoError" { print $2 }' /proc/net/xfrm_stat; }
more_failures() { [ "$(integrity_failures)" -gt "$1" ]; }

wrong_key()
{
	local t before n

	manual_conf 400 401 $k_bad$k_bad
	before=$(integrity_failures)
	pp reload >"$tmp/reload.log" 2>&1 || fail "reload: $(cat "$tmp/reload.log")" || return
	t=$(now_ns)
	wait_for 20 more_failures $((before + 20)) || fail "the hub took packets with a wrong ICV" || return
	capture_sync
	n=$(flow_received flow)
	wait_for 20 more_failures $((before + 40)) || fail "the hub took packets with a wrong ICV" || return
	[ "$(flow_received flow)" -eq "$n" ] || fail "packets with a wrong ICV arrived" || return
	nothing_in_clear "$t" || return
	manual_conf 400 401
	pp reload >"$tmp/reload.log" 2>&1 && passes
}

place_is_taken()
{
	local t

	manual_conf 500 501
	ip -n "$branch" xfrm state add src $branch_addr dst $h1 proto esp spi 501 mode tunnel \
		reqid 7 enc 'cbc(aes)' 0x$k_bad auth-trunc 'hmac(sha256)' 0x$k_bad$k_bad 128 || return
	pp reload >"$tmp/reload.log" 2>&1 || fail "reload: $(cat "$tmp/reload.log")" || return
	expect "state" "map_get .state" DOWN && expect "reason" "map_get .reason" spi-taken || return
	t=$(now_ns)
	wait_for 20 blocked_more || fail "nothing is held back" || return
	hub_without 400 401 && hub_sas 500 501 || return
	ip -n "$branch" xfrm state delete src $branch_addr dst $h1 proto esp spi 501 || return
	wait_for 30 entry_is UP || fail "not up: $(map_get .why)" || return
	wait_for 20 flow_more flow $(($(flow_received flow) + 20)) || fail "no traffic after it" || return
	nothing_in_clear "$t" && passes
}

# A second later as many packets have arrived as before, while they are sent.
blocked_more()
{
	local n

	n=$(flow_received flow)
	sleep 1
	[ "$(flow_received flow)" -eq "$n" ]
}

cleared_comes_back()
{
	pp sa clear >"$tmp/clear.log" 2>&1 || fail "clear: $(cat "$tmp/clear.log")" || return
	expect_spis "000001f4 000001f5" && passes
}

no_route_blocks()
{
	local t

	ip -n "$branch" route del default
	wait_for 20 entry_is DOWN || fail "up without a route" || return
	t=$(now_ns)
	ip -n "$branch" route add default via 10.0.0.1
	wait_for 20 entry_is UP || fail "not up again: $(map_get .why)" || return
	passes && nothing_in_clear "$t"
}

removed_with_the_entry()
{
	flow_stop
	echo "hostname branch" >"$tmp/prefpeer.conf"
	agent_conf_mode
	pp reload >"$tmp/reload.log" 2>&1 || fail "reload: $(cat "$tmp/reload.log")" || return
	expect_spis ""
}

test_case "manual SAs are there from the start" start || { finish; }
test_case "no window, no limits, numbers that begin again" without_end
test_case "traffic both ways, none of it in clear" passes
test_case "shown as manual, and no key anywhere" shown_without_keys
test_case "a reload that changes nothing touches nothing" reload_changes_nothing
test_case "another SPI and key without a lost packet" another_spi_without_a_gap
test_case "SIGTERM and a new agent: the SAs go on, without a lost packet" survives_sigterm
test_case "kill -9 and a new agent: likewise" survives_kill
test_case "deleted or flushed by another program: installed again, and said" deleted_by_another
test_case "a wrong key: nothing arrives, nothing goes in clear" wrong_key
test_case "another's SA in the place: blocked and said, up when it is gone" place_is_taken
test_case "cleared SAs come back at once" cleared_comes_back
test_case "no route: down, and up again with it" no_route_blocks
test_case "removed with the entry" removed_with_the_entry
finish
