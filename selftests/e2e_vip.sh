#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: by name, it takes minutes
#
# A head-end of two strongSwans behind one virtual address, as VRRP moves it:
# stateless, the standby has no SAs. The address goes with its route in transit.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 8

vip=10.9.9.9
inv_spi=%CRYPTO-4-RECVD_PKT_INV_SPI

# vip_to N: hub N has the address; 0: nobody, and nothing says so
vip_to()
{
	local n

	for n in 1 2; do
		ip -n "$(eval "echo \$hub$n")" addr del $vip/32 dev wan0 2>/dev/null
	done
	if [ "$1" = 0 ]; then
		ip -n "$transit" route replace blackhole $vip/32
		return
	fi
	ip -n "$(eval "echo \$hub$1")" addr add $vip/32 dev wan0 &&
	ip -n "$transit" route replace $vip/32 via "$(hub_addr "$1")" dev "hub$1"
}

# link_of N up|down: the machine of hub N, as transit sees it
link_of() { ip -n "$transit" link set "hub$1" "$2"; }

# crash N: charon is gone, what the kernel has stays; boot N: nothing is left of it
crash() { peer_kill "hub$1" 2>/dev/null; true; }
boot()
{
	crash "$1"
	ip -n "$(eval "echo \$hub$1")" xfrm state flush
	ip -n "$(eval "echo \$hub$1")" xfrm policy flush
	ip -n "$(eval "echo \$hub$1")" addr del $vip/32 dev wan0 2>/dev/null
	link_of "$1" up && head_end_start "$1"
}

ups() { grep '"event":"map-state"' "$tmp/monitor.log" | grep -c '"to":"UP"'; }
up_once_more() { [ "$(ups)" -gt "$1" ]; }

head_end_start() { hub_start "$1" id=$vip conn="local_addrs = $vip"; }

no_states() { in_ns "$1" awk '$1 == "XfrmInNoStates" { print $2 }' /proc/net/xfrm_stat; }

start()
{
	e2e_up 3 && quiet_listeners && flow_listen flow || return
	peer_stop hub1 && peer_stop hub2 || return
	vip_to 1 && head_end_start 1 && head_end_start 2 || return
	e2e_globals="crypto isakmp key $psk address $vip"
	e2e_conf "10 2 periodic" "set peer $vip default" "set peer $h3"
	e2e_agent && text_monitor_start && flow_start flow 10000 && up_with $vip 20 && wait_for 10 flow_more flow 100
}

# taken_over FROM TO: the standby has nothing, until the branch dials the same address again
taken_over()
{
	local t before were read

	read=$(text_lines)
	were=$(ups)
	[ -z "$(swanctl_of "hub$2" --list-sas)" ] || fail "the standby has SAs" || return
	before=$(no_states "$(eval "echo \$hub$2")")
	t=$(now_ns)
	crash "$1"
	link_of "$1" down
	vip_to "$2"
	wait_for 60 up_once_more "$were" && wait_for 10 sa_up "$branch" $branch_addr $vip || fail "not up again" || return
	capture_sync
	expect "tried" "init_order $t" $vip &&
	expect "current peer" current_peer $vip && expect "next attempt" next_peer $vip &&
	expect "reason" "state_event DOWN reason" dpd-timeout || return
	within "ms from the verdict to UP" "$(ms_between "$(state_ns DOWN)" "$(state_ns UP)")" 0 500 || return
	[ "$(swanctl_of "hub$2" --list-sas | grep -c INSTALLED)" = 1 ] ||
		fail "not one pair at the standby: $(swanctl_of "hub$2" --list-sas)" || return
	[ "$(no_states "$(eval "echo \$hub$2")")" -gt $((before + 100)) ] ||
		fail "no old ESP came to the standby" || return
	wait_for 10 flow_more flow "$(flow_received flow)" || fail "nothing passes" || return
	flow_report flow "$t"
	within "gap in ms" $((gap_ns / 1000000)) 10000 23500 || return
	# What the operator reads: the address died, the same one is tried, and answers.
	reads "monitor" "$tmp/text.log" "UP $vip → DOWN dead: 6 requests unanswered in 12.0 s; next attempt $vip" "$read" &&
	reads "monitor" "$tmp/text.log" "WALK → UP $vip" "$read" &&
	map_show_reads " why the default peer answered"
}

# The former active is back and believes to have the address: its SAs are those that the
# branch has no more, and the site's traffic goes to it for a while.
stale_sas()
{
	local before told

	before=$(no_states "$branch")
	told=$(wc -l <"$tmp/agent.log")
	flow_stop
	flow_packet
	in_ns "$site" ip route replace $lan_net via 192.168.2.1
	link_of 1 up
	ip -n "$hub1" addr add $vip/32 dev wan0
	flow_start_site stale 500000
	wait_for 90 has_line "$tmp/agent.log" "$told" $inv_spi || fail "it is not told that packets with old SPIs come, though $(($(no_states "$branch") - before)) came" || return
	sleep 121
	flow_stop
	[ "$(no_states "$branch")" -gt $((before + 200)) ] ||
		fail "only $(($(no_states "$branch") - before)) packets with an old SPI came" || return
	once_a_minute "$inv_spi" 3 "$told" || return
	reads "monitor" "$tmp/text.log" "note kernel $inv_spi: decaps: rec'd IPSEC packets have an invalid SPI: nobody has it here (XfrmInNoStates +" || return
	expect "state" map_state UP && expect "current peer" current_peer $vip
}

back_again()
{
	in_ns "$site" ip route replace $lan_net via 192.168.2.2
	boot 1 || return
	flow_start flow 10000 && wait_for 10 flow_more flow "$(flow_received flow)" || fail "nothing passes" || return
	taken_over 2 1 || return
	flow_stop
}

# Both machines are gone: R for the dead address, then the next of the list.
nobody_has_it()
{
	local t first second

	flow_start flow 10000
	wait_for 10 flow_more flow "$(flow_received flow)" || fail "nothing passes" || return
	t=$(now_ns)
	crash 1
	link_of 1 down
	vip_to 0
	up_with $h3 40 || fail "not on $h3" || return
	capture_sync
	expect "tried" "init_order $t" "$vip $h3" || return
	first=$(ike_to $vip IKE_SA_INIT "$t" | head -n 1 | cut -d ' ' -f 1)
	second=$(ike_to $h3 IKE_SA_INIT "$t" | head -n 1 | cut -d ' ' -f 1)
	within "ms for the dead address, R = 2 s" "$(ms_between "$first" "$second")" 1990 2200 || return
	reads "monitor" "$tmp/text.log" "WALK $vip → $h3 no answer in 2.0 s" &&
	map_show_reads " why it answered; $vip: no answer in 2.0 s" || return
	flow_stop
}

# A list of the virtual address alone, without a default: the next attempt is to it.
alone()
{
	local t were

	flow_stop
	boot 1 && boot 2 && vip_to 1 || return
	e2e_conf "10 2 periodic" "set peer $vip"
	e2e_agent && flow_start flow 10000 && up_with $vip 20 || fail "not up" || return
	t=$(now_ns)
	were=$(ups)
	crash 1
	link_of 1 down
	vip_to 2
	wait_for 60 up_once_more "$were" || fail "not up again" || return
	capture_sync
	expect "tried" "init_order $t" $vip || return
	flow_stop
}

# Control: it is the policies, and nothing else, that keep the flow from leaving in clear.
without_policies()
{
	local t

	flow_start flow 10000
	t=$(now_ns)
	agent_kill && ip -n "$branch" xfrm policy flush || return
	wait_for 20 clear_since "$t" || fail "nothing in clear even without policies: the test proves nothing" || return
	flow_stop
}

test_case "branch on the virtual address, hub 1 has it" start || { finish; exit; }
test_case "case 29: hub 2 takes over: the same address is rebuilt at once" taken_over 1 2
test_case "case 29: packets with SPIs that nobody has are told once a minute" stale_sas
test_case "case 29: and back to hub 1" back_again
test_case "case 29: nobody has the address: R, then the next peer" nobody_has_it
test_case "case 29: the virtual address alone in the list" alone
test_case "case 30: nothing in clear in any of it" nothing_in_clear
test_case "positive control: without policies the flow leaves in clear" without_policies
finish
