#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Which SAs are tracked, and what is told of their coming and going.

. "$(dirname "$(readlink -f "$0")")/lib_kmod.sh"

plan 14

# SAs older than the module, with and without traffic.
setup()
{
	kmod_hosts && pair_add 1 && pair_sas 2 || return
	outbound 1
	module_load && watch
}

sa_ids()
{
	field_of "$1" 'o["sa_id"]' sa show "${@:2}" | sort -n | tr '\n' ' '
}

older_sas_are_there()
{
	expect "SAs in a" "$(field_of "$a" 'o["spi"]' sa show | sort | tr '\n' ' ')" \
		"0x00001001 0x00001002 0x00002001 0x00002002 " &&
	expect "directions" "$(field_of "$a" 'o["spi"], o["dir"]' sa show reqid 2 | sort | tr '\n' ' ')" \
		"('0x00001002', 'out') ('0x00002002', 'in') " &&
	expect "packets" "$(field_of "$a" 'o["packets"]' sa show spi 0x1001)" 1
}

namespaces_are_apart()
{
	expect "directions in b" "$(field_of "$b" 'o["spi"], o["dir"]' sa show reqid 2 | sort | tr '\n' ' ')" \
		"('0x00001002', 'in') ('0x00002002', 'out') " || return
	watch "$b" events_b || return
	sa_add "$a" $addr_a $addr_b 0x1003 3 || return
	wait_for 5 grep -q 0x00001003 "$tmp/events.log" || fail "no event in a" || return
	expect "SAs of a in b" "$(field_of "$b" 'o["spi"]' sa show reqid 3 | wc -l)" 0 &&
	expect "events of a in b" "$(grep -c 0x00001003 "$tmp/events_b.log")" 0 || return
	pp_b rule add remote 10.0.0.0/8 map inb >/dev/null &&
	expect "rules of b in a" "$(field_of "$a" 'o["rule_id"]' rule show | wc -l)" 0 &&
	expect "map in a" "$(field_of "$a" 'o.get("meta")' sa show reqid 3)" None
}

# gone_reason SPI: once, and why
gone_reason()
{
	wait_for 5 grep -q "\"sa-gone\".*$1" "$tmp/events.log"
	events_line "e.event == 'sa-gone' and e.spi == '$1'" reason
}

deleted_and_flushed()
{
	sa_del "$a" $addr_a $addr_b 0x1003 || return
	expect "of ip xfrm state delete" "$(gone_reason 0x00001003)" deleted &&
	expect_events "of its pair" deleted "e.event == 'pair-gone' and e.reqid == 3" reason || return
	sa_add "$a" $addr_a $addr_b 0x1004 4 && sa_add "$a" $addr_a $addr_b 0x1005 5 || return
	expect "SAs" "$(sa_ids "$a" reqid 4 | wc -w)" 1 || return
	ip -n "$a" xfrm state flush
	expect "of a flush" "$(gone_reason 0x00001004) $(gone_reason 0x00001005)" "flushed flushed" &&
	expect "SAs after it" "$(field_of "$a" 'o["spi"]' sa show | wc -l)" 0 &&
	expect "SAs in b" "$(field_of "$b" 'o["spi"]' sa show | wc -l)" 4
}

expired()
{
	sa_add "$a" $addr_a $addr_b 0x1006 6 limit time-hard 3 || return
	sleep 6
	expect "of a hard lifetime" "$(gone_reason 0x00001006)" expired || return
	sa_add "$a" $addr_a $addr_b 0x1007 7 limit time-soft 3 || return
	sleep 6
	expect "of a soft lifetime" "$(event_count "e.event == 'sa-gone' and e.spi == '0x00001007'")" 0 &&
	expect "SAs" "$(sa_ids "$a" reqid 7 | wc -w)" 1 || return
	pair_add 8 || return
	sa_add "$a" $addr_a $addr_b 0x1008 9 2>/dev/null
	sa_del "$a" $addr_a $addr_b 0x1008 && sa_add "$a" $addr_a $addr_b 0x1008 8 limit packet-hard 1 || return
	outbound 8
	outbound 8
	wait_for 5 grep -q '"sa-gone".*0x00001008.*expired' "$tmp/events.log" ||
		fail "a hard packet limit is not noticed: $(gone_reason 0x00001008)"
}

# rmmod xfrm6_tunnel flushes every SA of every namespace, and tells nobody.
vanished()
{
	modprobe xfrm6_tunnel 2>/dev/null && rmmod xfrm6_tunnel 2>/dev/null || return 77
	sleep 310
	expect "SAs in b" "$(field_of "$b" 'o["spi"]' sa show | wc -l)" "$(ip -n "$b" xfrm state | grep -c '^src')"
}

update_makes_no_second_sa()
{
	local id

	ip -n "$a" xfrm state flush
	pair_sas 10 && id=$(sa_ids "$a" reqid 10) || return
	ip -n "$a" xfrm state update src $addr_a dst $addr_b proto esp spi $((0x1000 + 10)) reqid 10 \
		mode transport auth 'hmac(sha1)' $auth_key enc cipher_null '' || return
	expect "ids after an update" "$(sa_ids "$a" reqid 10)" "$id"
}

# as IKE daemons make inbound SAs: allocspi, then update
larval_becomes_an_sa()
{
	ip -n "$a" xfrm state allocspi src $addr_b dst $addr_a proto esp reqid 11 mode transport \
		min 0x2011 max 0x2011 >/dev/null || return
	expect "larval SAs that are tracked" "$(sa_ids "$a" reqid 11)" "" || return
	ip -n "$a" xfrm state update src $addr_b dst $addr_a proto esp spi 0x2011 reqid 11 \
		mode transport auth 'hmac(sha1)' $auth_key enc cipher_null '' || return
	expect "SAs after the update" "$(sa_ids "$a" reqid 11 | wc -w)" 1 &&
	expect_events "of a new SA" sa-new "e.event == 'sa-new' and e.spi == '0x00002011'"
}

ah_and_ipv6_are_tracked()
{
	ip -n "$a" xfrm state add src $addr_a dst $addr_b proto ah spi 0x1012 reqid 12 \
		mode transport auth 'hmac(sha1)' $auth_key || return
	sa_add "$a" $addr6_a $addr6_b 0x6012 13 && sa_add "$a" $addr6_b $addr6_a 0x6013 13 || return
	expect "AH" "$(field_of "$a" 'o["proto"], o["dir"]' sa show reqid 12)" "('ah', 'out')" &&
	expect "IPv6" "$(field_of "$a" 'o["src"], o["dst"], o["dir"]' sa show reqid 13 | sort | tr '\n' ' ')" \
		"('fd00::1', 'fd00::2', 'out') ('fd00::2', 'fd00::1', 'in') " &&
	expect "pair" "$(field_of "$a" 'o["local"], o["remote"], o["sas_in"], o["sas_out"]' pair show reqid 13)" \
		"('fd00::1', 'fd00::2', 1, 1)"
}

# IPcomp and what carries it are not AH or ESP.
ipcomp_is_not()
{
	modprobe ipcomp 2>/dev/null
	ip -n "$a" xfrm state add src $addr_a dst $addr_b proto comp spi 0x14 reqid 14 \
		mode transport comp deflate 2>/dev/null || return 77
	expect "IPcomp SAs" "$(sa_ids "$a" reqid 14)" ""
}

# Two branches behind one NAT: the port tells them apart, and may change.
encap_port_is_the_peers()
{
	local ports='sorted(str(o.get("encap_port")) for o in l)'

	sa_add "$a" $addr_a $addr_b 0x1020 20 encap espinudp 4500 1111 0.0.0.0 &&
	sa_add "$a" $addr_b $addr_a 0x2020 20 encap espinudp 1111 4500 0.0.0.0 &&
	sa_add "$a" $addr_a $addr_b 0x1021 21 encap espinudp 4500 2222 0.0.0.0 &&
	sa_add "$a" $addr_b $addr_a 0x2021 21 encap espinudp 2222 4500 0.0.0.0 || return
	expect "ports of peers" "$(field_of "$a" "$ports" peer show remote $addr_b | head -n 1)" \
		"['1111', '2222', 'None']" || return
	# the NAT forgot, and the daemon updates both SAs
	ip -n "$a" xfrm state update src $addr_a dst $addr_b proto esp spi 0x1021 reqid 21 mode transport \
		auth 'hmac(sha1)' $auth_key enc cipher_null '' encap espinudp 4500 3333 0.0.0.0 &&
	ip -n "$a" xfrm state update src $addr_b dst $addr_a proto esp spi 0x2021 reqid 21 mode transport \
		auth 'hmac(sha1)' $auth_key enc cipher_null '' encap espinudp 3333 4500 0.0.0.0 || return
	expect "ports after it moved" "$(field_of "$a" "$ports" peer show remote $addr_b | head -n 1)" \
		"['1111', '3333', 'None']"
}

filters_are_anded()
{
	expect "by reqid and direction" "$(field_of "$a" 'o["spi"]' sa show reqid 20 dir in)" 0x00002020 &&
	expect "by prefix" "$(field_of "$a" 'o["spi"]' sa show remote fd00::/16 | wc -l)" 2 &&
	expect "by prefix of the other end" "$(field_of "$a" 'o["spi"]' sa show local 10.0.0.1/32 dir out proto ah)" 0x00001012 &&
	expect "by what nothing has" "$(field_of "$a" 'o["spi"]' sa show reqid 20 proto ah | wc -l)" 0
}

sas_are()
{
	[ "$(field_of "$a" 'o["sas"]' stats)" = "$1" ]
}

limit_leaves_some_untracked()
{
	local n before

	ip -n "$a" xfrm state flush
	echo 5 >/sys/module/prefpeer/parameters/max_sas
	pp_a rule add remote $addr_b idle-time 10s >/dev/null
	before=$(now_ns)
	for n in 31 32 33 34; do
		pair_sas $n || return
	done
	expect "SAs" "$(sa_ids "$a" | wc -w)" 5 &&
	expect "refused" "$(field_of "$a" 'o["untracked"]' stats)" 3 || return
	sleep 20
	expect "verdicts on pairs that are not whole" \
		"$(event_count "e.event == 'pair-idle' and e.reqid > 32 and e.stamp_ns > $before")" 0 &&
	expect "verdicts on whole ones" \
		"$(event_count "e.event == 'pair-idle' and e.reqid in (31, 32) and e.stamp_ns > $before")" 2 || return
	# it is noticed when the worker runs, at the latest in 300 s, and then after 30 s
	echo 6 >/sys/module/prefpeer/parameters/max_sas
	wait_for 400 sas_are 6
	expect "SAs with room for one more" "$(sa_ids "$a" | wc -w)" 6 &&
	expect "of those refused, still untracked" "$(field_of "$a" 'o["untracked"]' stats)" 2 || return
	echo 0 >/sys/module/prefpeer/parameters/max_sas
	wait_for 400 sas_are 8
	expect "SAs without the limit" "$(sa_ids "$a" | wc -w)" 8 &&
	expect "untracked without the limit" "$(field_of "$a" 'o["untracked"]' stats)" 0 || return
	sleep 20
	expect "verdicts now" "$(event_count "e.event == 'pair-idle' and e.reqid in (33, 34)")" 2
}

unloads_and_comes_back()
{
	kill "$watch_pid"
	module_unload && module_load || return
	expect "SAs found again" "$(sa_ids "$a" | wc -w)" 8
}

# case DESCRIPTION FUNCTION: 77 means that this machine cannot
may_skip()
{
	"$2"
	case $? in
	0) ok "$1" ;;
	77) skip "$1" "not on this kernel" ;;
	*) not_ok "$1"; show_state ;;
	esac
}

test_case "SAs, module and monitor" setup || { finish; exit; }
test_case "SAs older than the module are found" older_sas_are_there
test_case "two namespaces do not see each other's SAs, events and rules" namespaces_are_apart
test_case "deleted and flushed SAs are gone, with the reason" deleted_and_flushed
test_case "a hard lifetime ends an SA, a soft one does not" expired
may_skip "SAs that the core removes without a word are noticed" vanished
test_case "an update makes no second SA" update_makes_no_second_sa
test_case "a larval SA is tracked once it is one" larval_becomes_an_sa
test_case "AH and IPv6" ah_and_ipv6_are_tracked
may_skip "IPcomp is not tracked" ipcomp_is_not
test_case "the remote UDP port tells peers apart" encap_port_is_the_peers
test_case "filters of a dump are ANDed" filters_are_anded
test_case "beyond max_sas: counted, no verdict, found later" limit_leaves_some_untracked
test_case "unload and load again" unloads_and_comes_back
finish
