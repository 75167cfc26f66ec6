#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: by name, it takes minutes
#
# Rekeying against strongSwan: child SAs by us, by the hub and by both at once, with
# a Diffie-Hellman exchange of their own and without; the IKE SA likewise. Lifetimes
# are the real ones. A flow with numbers in each direction runs across each: none
# lost, none in clear, one pair afterwards.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 13

start()
{
	e2e_up 1 || return
	peer_stop hub1
	hub_start 1 esp=aes128gcm16-ecp256,aes128gcm16 || return
	flow_listen there && flow_listen_lan back || return
	up_anew
}

# up_anew [LINE…]: agent and tunnel from scratch, with these lines in the entry
up_anew()
{
	e2e_conf "10 2 periodic" "set peer $h1" "$@"
	[ -z "$agent_pid" ] || { pp session clear && state_await 20 DOWN; } || return
	e2e_agent && flow_packet && up_with $h1 20 && flow_packet
}

# pair_spis: of the SAs that are there, out and in
pair_spis() { echo "$(sa_spis "$branch" $branch_addr $h1) $(sa_spis "$branch" $h1 $branch_addr)"; }

is_one_pair()
{
	set -- $(pair_spis)
	[ $# -eq 2 ]
}

# one_pair: at both ends, and the same
one_pair()
{
	wait_for 30 is_one_pair || fail "SAs that are left: $(pair_spis)" || return
	expect "the hub's pair" "echo \$(sa_spis $hub1 $branch_addr $h1) \$(sa_spis $hub1 $h1 $branch_addr)" \
		"$(pair_spis)"
}

# child_requests SRC DST FROM_NS: CREATE_CHILD_SA asked for by SRC
child_requests() { wire_count " ike $1 $2 .*exch=CREATE_CHILD_SA.* resp=0 " "$3"; }

# streams MICROSECONDS: both ways from now on
streams()
{
	stream_from=$(now_ns)
	flow_start there "$1" 0 && there_pid=$flow_pid && flow_start_site back "$1" 0 && back_pid=$flow_pid
}

# none_lost MIN: neither way, of at least so many
none_lost()
{
	local name

	flow_stop "$there_pid"
	flow_stop "$back_pid"
	for name in there back; do
		flow_report $name "$stream_from"
		[ "$received" -ge "$1" ] || fail "$name: only $received packets" || return
		[ "$lost" -eq 0 ] || fail "$name: $lost of $((received + lost)) packets lost" || return
	done
}

soft_end() { in_ns "$branch" "$selftests_dir/xfrm_expire.py" $h1 "$(sa_spis "$branch" $branch_addr $h1)"; }
hub_rekeys() { swanctl_of hub1 --rekey "$@" >/dev/null; }

# One look: what is there may change between two.
spi_changed()
{
	local now

	now=$(pair_spis)
	set -- $now
	[ $# -eq 2 ] && [ "$now" != "$spis_before" ]
}

# across COMMAND…: dense flows, COMMAND, a new pair, flows a little longer
across()
{
	spis_before=$(pair_spis)
	streams 5000 || return
	sleep 1
	"$@" || return
	# The replaced inbound SA goes after 5 s.
	wait_for 30 spi_changed || fail "no new pair: $(pair_spis), before: $spis_before" || return
	none_lost 1000 && one_pair
}

# no_end FROM_NS: since then the entry has not been DOWN
no_end()
{
	local t

	t=$(state_ns DOWN 2>/dev/null)
	[[ ! $t =~ ^[0-9]+$ ]] || [ "$t" -lt "$1" ] || fail "the tunnel was down in between"
}

by_us() { across soft_end; }
by_hub() { across hub_rekeys --child branch4-net4; }

# 400 ms of round trip: whoever is second has not heard of the first.
both_now()
{
	hub_delay 1 400 || return
	soft_end && hub_rekeys --child branch4-net4
}

by_both()
{
	local t

	t=$(now_ns)
	across both_now || return
	hub_delay_off 1
	capture_sync
	expect "rekeys asked for by us" "child_requests $branch_addr $h1 $t" 1 &&
	expect "rekeys asked for by the hub" "child_requests $h1 $branch_addr $t" 1
}

# Cisco's 3600 s: before its end, by us, once an hour.
at_its_lifetime()
{
	local t n

	up_anew || return
	t=$(now_ns)
	streams 2000000
	sleep 7300
	none_lost 3600 || return
	capture_sync
	n=$(child_requests $branch_addr $h1 "$t")
	within "rekeys in 7300 s" "$n" 2 2 &&
	expect "rekeys by the hub" "child_requests $h1 $branch_addr $t" 0 && one_pair
}

with_pfs()
{
	up_anew "set pfs group19" || return
	by_us && by_hub && by_both || return
	[ "$(grep -c 'selected proposal: ESP:AES_GCM_16_128/ECP_256' "$tmp/hub1.log")" -ge 3 ] ||
		fail "the hub saw no Diffie-Hellman exchange"
}

kilobytes()
{
	local t n

	up_anew "set security-association lifetime kilobytes 2560" || return
	t=$(now_ns)
	# 6000 × 1428 bytes each way: 8.2 MB, of 2 MB and a bit each pair.
	in_ns "$lan" ping -q -i 0.002 -s 1400 -c 6000 $site_host >"$tmp/ping.log" ||
		fail "$(tail -n 3 "$tmp/ping.log")" || return
	grep -q ' 0% packet loss' "$tmp/ping.log" || fail "$(tail -n 3 "$tmp/ping.log")" || return
	capture_sync
	n=$(child_requests $branch_addr $h1 "$t")
	within "rekeys in 8.2 MB" "$n" 3 4 && one_pair
}

# One packet, then silence: its SA is replaced once, the next one carries nothing and ends.
unused()
{
	local t end

	up_anew || return
	t=$(now_ns)
	state_await 7300 DOWN || fail "still up" || return
	end=$(state_ns DOWN)
	within "ms from the packet to the end" "$(ms_between "$t" "$end")" 6700000 7210000 &&
	expect "reason" "state_event DOWN reason" lifetime || return
	capture_sync
	expect "rekeys" "child_requests $branch_addr $h1 $t" 1 || return
	flow_packet
	up_with $h1 20
}

# ike_spis: of the hub's IKE SA
ike_spis() { swanctl_of hub1 --list-sas | sed -n 's/.*IKEv2, \([0-9a-f]*_i\*\? [0-9a-f]*_r\*\?\).*/\1/p'; }
is_one_ike_sa() { [ "$(ike_spis | wc -l)" -eq 1 ] && [ "$(ike_spis)" != "$ike_before" ]; }

ike_by_hub()
{
	up_anew || return
	ike_before=$(ike_spis)
	streams 5000 || return
	hub_rekeys --ike branch4 || return
	wait_for 30 is_one_ike_sa || fail "the hub has $(ike_spis), before: $ike_before" || return
	sleep 2
	none_lost 150 && one_pair && no_end "$stream_from" || return
	# The children live on the new one.
	by_hub && by_us
}

ike_by_us()
{
	local t

	up_anew || return
	ike_before=$(ike_spis)
	t=$(now_ns)
	streams 10000000
	sleep 86400
	none_lost 8600 || return
	wait_for 30 is_one_ike_sa || fail "the hub has $(ike_spis), before: $ike_before" || return
	no_end "$t" && by_us
}

# idle_across COMMAND…: the verdict comes T after the last packet, a rekey in between or not
idle_across()
{
	local t end

	up_anew "set security-association idle-time 120" || return
	t=$(last_esp_ns)
	spis_before=$(pair_spis)
	sleep 60
	"$@" || return
	wait_for 30 spi_changed || fail "no new pair" || return
	state_await 120 DOWN || fail "still up" || return
	end=$(state_ns DOWN)
	within "ms from the last packet to the verdict" "$(ms_between "$t" "$end")" 120000 136000 &&
	expect "reason" "state_event DOWN reason" idle
}

idle_by_us() { idle_across soft_end; }
idle_by_hub() { idle_across hub_rekeys --child branch4-net4; }

test_case "a tunnel" start || { finish; exit; }
test_case "a child SA rekeyed by us" by_us
test_case "by the hub" by_hub
test_case "by both at once: one pair, and both asked" by_both
test_case "at its lifetime of 3600 s, by us" at_its_lifetime
test_case "with a Diffie-Hellman exchange each, by us, by the hub, by both" with_pfs
test_case "after its lifetime of 2560 KB" kilobytes
test_case "a pair that carries nothing is not rekeyed, and ends" unused
test_case "the IKE SA rekeyed by the hub" ike_by_hub
test_case "the IKE SA rekeyed by us, within its lifetime of 86400 s" ike_by_us
test_case "case 19: a rekey by us does not reset the idle clock" idle_by_us
test_case "case 19: a rekey by the hub does not reset the idle clock" idle_by_hub
test_case "case 30: nothing in clear" nothing_in_clear
finish
