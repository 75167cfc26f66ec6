#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# Maintenance, under traffic: a hub that is drained sends its branch to the other one, and
# takes it back; a peer that the branch shut down is neither called nor let in.
#
# hub 1 is our agent, hub 2 strongSwan.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 6

hpp() { in_ns "$hub1" "$prefpeer" -S "$tmp/hub.control" "$@"; }

start_hub()
{
	[ "$1" = 1 ] || { hub_start "$1"; return; }
	other_conf hub "crypto ikev2 dpd 10 2 periodic" \
		"192.168.2.0 0.0.0.255 192.168.1.0 0.0.0.255" && other_start hub "$hub1"
}

# peers LINE…: the branch's list, with these lines behind it
peers()
{
	e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" "$@"
}

start()
{
	e2e_hub=start_hub
	e2e_up 2 && peers && e2e_agent || return
	flow_listen flow && flow_start flow 10000 || return
	up_with $h1 30 || fail "no SAs with $h1" || return
	[ "$(hpp drain show)" = "not drained: 1 up" ] || fail "$(hpp drain show)"
}

drained_goes_to_the_other()
{
	local since ms

	since=$(now_ns)
	hpp drain 0 >"$tmp/drain.log" || fail "$(<"$tmp/drain.log")" || return
	up_with $h2 30 || fail "not on $h2" || return
	# It is told, with proof: no budget of the walk has to pass.
	ms=$(ms_between "$(state_ns DOWN)" "$(state_ns UP $h2)")
	within "ms from the end to the other hub" "$ms" 0 3000 || return
	capture_sync
	expect "whom it called" "init_order $since" "$h1 $h2" || return
	hpp drain show >"$tmp/drain.log"
	grep -q '^drained: nothing is left of 1$' "$tmp/drain.log" || fail "$(<"$tmp/drain.log")"
}

stays_away_until_it_is_over()
{
	hpp map connect tobranch 1 2>"$tmp/err.log" && fail "a drained hub calls" && return 1
	grep -q 'this gateway is drained' "$tmp/err.log" || fail "$(<"$tmp/err.log")" || return
	hpp drain stop >"$tmp/drain.log" || fail "$(<"$tmp/drain.log")" || return
	hpp drain stop 2>"$tmp/err.log" && fail "twice" && return 1
	pp map reset tohub 1 && up_with $h1 30 || fail "not home" || return
	wait_for 10 flow_more flow 100
}

shut_down_peer_is_left()
{
	peers "set peer $h1 shutdown" && pp reload || fail "reload" || return
	up_with $h2 30 || fail "not on $h2" || return
	map_show_reads "$h1  default" && map_show_reads "shut down: neither called nor let in" || return
	pp status >"$tmp/status.log" || fail "$(<"$tmp/status.log")"
}

shut_down_peer_is_not_let_in()
{
	local since

	since=$(now_ns)
	hpp map connect tobranch 1
	wait_for 30 hub_gave_up || fail "the hub's walk has not ended: $(hpp map show)" || return
	pp map reset tohub 1 && up_with $h2 30 || fail "not on $h2 again" || return
	capture_sync
	expect "whom the branch called" "init_order $since" "$h2" &&
	expect "current peer" current_peer $h2
}

hub_gave_up()
{
	hpp -j map history last 3 | grep -q 'walked-out'
}

back_in_service()
{
	peers && pp reload || fail "reload" || return
	pp map reset tohub 1 && up_with $h1 30 || fail "not home"
}

test_case "a branch is up with its default" start
test_case "a hub that is drained sends it to the other" drained_goes_to_the_other
test_case "neither side sets anything up until that is over" stays_away_until_it_is_over
test_case "set peer shutdown: the other one is used" shut_down_peer_is_left
test_case "and the peer that is shut down is not let in" shut_down_peer_is_not_let_in
test_case "without shutdown it is home again" back_in_service
finish
