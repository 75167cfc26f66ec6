#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Reverse-route injection: routes to what is behind the peer, plain and static; on a move
# to another peer the next hop is swapped, at no moment is there no route; what an agent
# that was killed left behind is known to the next one.
#
# hub 2 is reached by a second router of transit, 10.0.0.3.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 7

conf() { e2e_conf "10 2 periodic" "set peer $h1 default" "set peer $h2" "$@"; }

start()
{
	e2e_up 2 || return
	ip -n "$transit" addr add 10.0.0.3/24 dev branch
	neighbour "$branch" wan0 "$transit" branch 10.0.0.3
	steps_run
	ip -n "$branch" route add $h2/32 via 10.0.0.3
	conf "reverse-route" && e2e_agent
}

# route_via: the next hop of our route to the site; empty without one
route_via()
{
	ip -n "$branch" route show $site_net proto 80 | sed -n 's/.* via \([0-9.]*\) .*/\1/p'
}
via_is() { [ "$(route_via)" = "$1" ]; }

watch_routes()
{
	: >"$tmp/routes.log"
	bg "$tmp/routes.log" ip -n "$branch" monitor route
	routes_pid=$bg_pid
	# A route of another protocol is seen first: it listens.
	wait_for 10 mark_route
}
mark_route()
{
	ip -n "$branch" route add 203.0.113.0/24 dev lan0
	ip -n "$branch" route del 203.0.113.0/24
	grep -q 203.0.113.0 "$tmp/routes.log"
}
deleted() { grep -c "^Deleted $site_net" "$tmp/routes.log"; }

plain_with_the_sas()
{
	via_is "" || fail "a route before there are SAs: $(route_via)" || return
	flow_listen one && flow_start one 20000
	up_with $h1 30 || fail "not up with $h1" || return
	wait_for 10 via_is 10.0.0.1 || fail "no route while there are SAs" || return
	flow_stop
}

plain_goes_with_them()
{
	pp map reset tohub 1 >/dev/null || fail "map reset failed" || return
	wait_for 20 via_is "" || fail "the SAs are gone, the route is not"
}

static_before_the_sas()
{
	conf "reverse-route static" "set reverse-route distance 20"
	agent_reload || return
	wait_for 10 via_is 10.0.0.1 || fail "no static route" || return
	ip -n "$branch" route show $site_net proto 80 | grep -q 'metric 20' ||
		fail "the distance is not the metric"
}

swapped_on_a_move()
{
	watch_routes || fail "the routing table is not watched" || return
	flow_listen two && flow_start two 20000
	up_with $h1 30 || fail "not up with $h1" || return
	hub_cut 1
	up_with $h2 90 || fail "not up with $h2" || return
	wait_for 10 via_is 10.0.0.3 || fail "the route stays at $(route_via)" || return
	hub_restore 1
	expect "deletions of the route" deleted 0
}

killed_and_restarted()
{
	local t

	: >"$tmp/routes.log"
	t=$(now_ns)
	agent_kill
	via_is 10.0.0.3 || fail "the route went with the agent" || return
	e2e_agent || return
	up_with $h2 60 || up_with $h1 60 || fail "not up after the restart" || return
	[ -n "$(route_via)" ] || fail "no route after the restart" || return
	expect "deletions of the route" deleted 0 && nothing_in_clear "$t"
}

orphans_go()
{
	agent_kill
	ip -n "$branch" route add 198.51.100.0/24 via 10.0.0.1 proto 80
	conf "description no routes"
	e2e_agent || return
	wait_for 20 no_routes || fail "left: $(ip -n "$branch" route show proto 80)"
}
no_routes() { [ -z "$(ip -n "$branch" route show proto 80)" ]; }

test_case "a branch with plain reverse routes, two routers in transit" start || { finish; exit; }
test_case "plain: a route while there are SAs" plain_with_the_sas
test_case "plain: it goes with the last of them" plain_goes_with_them
test_case "static: a route before there are SAs, with its distance" static_before_the_sas
test_case "the next hop is swapped on a move to the next peer, no moment without a route" swapped_on_a_move
test_case "kill -9 and restart: the route is there throughout" killed_and_restarted
test_case "routes that nobody wants are removed at start" orphans_go
finish
