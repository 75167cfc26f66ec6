#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# prefpeer(8) and the module: SAs of `ip xfrm` in two namespaces, no agent.

. "$(dirname "$(readlink -f "$0")")/lib.sh"

module_need
[ -x "$prefpeer" ] || skip_all "no command line: make userspace"

plan 21

# Virtual time runs ahead while a program is paged in.
patience=300

key=0x$(printf '42%.0s' {1..20})

# sa_add NS SRC DST SPI REQID [MORE…]
sa_add()
{
	ip -n "$1" xfrm state add src "$2" dst "$3" proto esp spi "$4" reqid "$5" mode tunnel \
		"${@:6}" aead 'rfc4106(gcm(aes))' "$key" 128
}

# p ARGUMENTS…: the command line, in the first namespace. Both streams in $tmp/out.log, $tmp/err.log
p()
{
	"$prefpeer" -n "$one" "$@" >"$tmp/out.log" 2>"$tmp/err.log" ||
		refused "$?" "$*: $(cat "$tmp/err.log")"
}

# refused STATUS TEXT: shown, unless it is what the case is about.
expecting=
refused()
{
	[ -n "$expecting" ] || diag "status $1: $2"
	return "$1"
}

# said STATUS TEXT COMMAND…: refuses with that status, and a sentence that has TEXT.
said()
{
	local want=$1 text=$2 status

	shift 2
	expecting=1
	"$@"
	status=$?
	expecting=
	[ $status -eq "$want" ] || fail "status $status, not $want: $*: $(cat "$tmp/err.log")" || return
	grep -qF -- "$text" "$tmp/err.log" || fail "$* says: $(cat "$tmp/err.log")" || return
	[ ! -s "$tmp/out.log" ] || fail "$* printed, though it failed"
}

# is PYTHON: an expression over d, the JSON that p printed.
is()
{
	json_is "$1" "$(<"$tmp/out.log")" || refused 1 "not so: $1: $(cat "$tmp/out.log")"
}

prints()
{
	grep -qE -- "$1" "$tmp/out.log" || fail "no line is like $1: $(cat "$tmp/out.log")"
}

#### Without the module

absent_module_is_said()
{
	said 1 "the kernel module is not loaded" p sa show &&
	said 1 "the kernel module is not loaded" p rule add remote 10.1.1.1 idle-time 60
}

#### SAs

sas_are_listed()
{
	module_load || return
	sa_add "$one" 10.0.0.2 10.1.1.1 0x1001 7 && sa_add "$one" 10.1.1.1 10.0.0.2 0x1002 7 &&
	sa_add "$one" 10.0.0.2 10.2.2.2 0x2001 8 mark 0x5 mask 0xf || return
	wait_for $patience three_sas || fail "$(cat "$tmp/err.log" "$tmp/out.log")" || return
	is 'sorted(s["spi"] for s in d) == ["0x00001001", "0x00001002", "0x00002001"]' &&
	is 'all(s["proto"] == "esp" and s["mode"] == "tunnel" and s["packets"] == 0 for s in d)' &&
	is '[s["dst"] for s in d if s["reqid"] == 8] == ["10.2.2.2"]' &&
	is '[s["dir"] for s in d if s["dst"] == "10.0.0.2"] == ["in"]'
}

three_sas()
{
	p -j sa show && json_is 'len(d) == 3' "$(<"$tmp/out.log")"
}

text_is_a_table()
{
	p sa show || return
	prints '^ID +SRC +DST +PROTO +SPI' && prints '10\.0\.0\.2 +10\.1\.1\.1 +esp +0x00001001' &&
	prints '0x5/0xf' && ! grep -q $'\033' "$tmp/out.log" && ! grep -q ' $' "$tmp/out.log"
}

filters_are_anded()
{
	p -j sa show remote 10.1.0.0/16 reqid 7 && is 'len(d) == 2' &&
	p -j sa show dst 10.1.1.1 && is '[s["spi"] for s in d] == ["0x00001001"]' &&
	p -j sa show reqid 7 dst 10.2.2.2 && is 'd == []' &&
	p -j sa show mark 0x5/0xf && is '[s["spi"] for s in d] == ["0x00002001"]' &&
	p -j sa show dst 10.1.1.1 proto esp spi 0x1001 && is 'len(d) == 1'
}

unknown_sa_is_an_error()
{
	said 1 "SA is not tracked" p sa show dst 10.1.1.1 proto esp spi 0x9999 &&
	said 1 "SA is not tracked" p sa show id 999999
}

#### Rules

rules_come_and_go()
{
	p -j rule add remote 10.1.0.0/16 reqid 7 map tohub seq 1 index 2 default idle-time 3600 \
		one-way 500ms cookie 0xffffffffffffffff || return
	is 'd["rule_id"] >= 1' || return
	p -j rule show || return
	is 'len(d) == 1 and d[0]["remote"] == "10.1.0.0/16" and d[0]["reqid"] == 7' &&
	is 'd[0]["meta"]["idle_time_ms"] == 3600000 and d[0]["meta"]["one_way_ms"] == 500' &&
	is 'd[0]["meta"]["map"] == "tohub" and d[0]["meta"]["map_seq"] == 1' &&
	is 'd[0]["meta"]["index"] == 2 and d[0]["meta"]["default"] is True' &&
	is 'd[0]["meta"]["cookie"] == "0xffffffffffffffff"'
}

rule_reaches_sas_that_exist()
{
	wait_for $patience rule_reached || fail "$(cat "$tmp/out.log")"
}

rule_reached()
{
	p -j sa show dst 10.1.1.1 && json_is 'd[0]["source"] == "rule" and d[0]["meta"]["map"] == "tohub"' "$(<"$tmp/out.log")"
}

rules_print_as_typed()
{
	p rule show && prints '10\.1\.0\.0/16 +7 +3600 s +500 ms +tohub 1 #2 default'
}

kernel_says_what_is_wrong()
{
	said 1 "a rule with these selectors exists" p rule add remote 10.1.0.0/16 reqid 7 idle-time 60 &&
	said 1 "idle-time must be 0 or 100..86400000 ms" p rule add remote 10.9.0.0/16 idle-time 99ms &&
	said 1 "one-way must be 0 or 50..3600000 ms" p rule add remote 10.9.0.0/16 one-way 3601 &&
	said 1 "addresses are of different families" p rule add remote ::/0 local 10.0.0.2 idle-time 60 &&
	said 1 "expire needs idle-time" p rule add remote 10.9.0.0/16 expire &&
	said 1 "no such rule" p rule del id 999999 &&
	said 1 "no such rule" p rule del remote 10.1.0.0/16 &&
	said 1 "rule-id and selectors exclude each other" p rule del id 1 remote 10.1.0.0/16 reqid 7
}

words_are_checked_before()
{
	said 2 "bits set beyond its prefix length" p rule add remote 10.1.1.1/16 idle-time 60 &&
	said 2 "is no word here; these are: remote local" p rule add remot 10.1.1.1 &&
	said 2 "is not a time" p rule add remote 10.1.1.1 idle-time 2h &&
	said 2 "seq is the number of a map's entry" p rule add remote 10.1.1.1 seq 1 &&
	said 2 "a rule without metadata does nothing" p rule add remote 10.1.1.1 &&
	said 2 "a rule needs remote PREFIX" p rule add idle-time 60 &&
	said 2 "these are: show add set del help" p rule ad remote 10.1.1.1 &&
	said 2 "is no object" p rul show
}

rule_changes_and_goes()
{
	local id

	p -j rule show && id=$(sed 's/.*"rule_id":\([0-9]*\).*/\1/' "$tmp/out.log") || return
	p rule set id "$id" idle-time 90 && p -j rule show || return
	is 'd[0]["meta"] == {"idle_time_ms": 90000, "default": False}' || return
	p rule del remote 10.1.0.0/16 reqid 7 && p -j rule show && is 'd == []'
}

#### Metadata of one SA

one_sa_is_labelled()
{
	p sa set dst 10.1.1.1 proto esp spi 0x1001 map byhand seq 9 idle-time 77 &&
	p -j sa show dst 10.1.1.1 || return
	is 'd[0]["source"] == "sa" and d[0]["meta"]["map"] == "byhand"' || return
	said 2 "say what to set" p sa set dst 10.1.1.1 proto esp spi 0x1001 || return
	said 2 "name the SA" p sa set dst 10.1.1.1 idle-time 5 || return
	p sa set dst 10.1.1.1 proto esp spi 0x1001 none && p -j sa show dst 10.1.1.1 &&
	is '"meta" not in d[0] or "map" not in d[0]["meta"]'
}

#### Pairs, peers, stats

pair_and_peer_show_the_whole()
{
	p -j pair show reqid 7 || return
	is 'len(d) == 1 and d[0]["local"] == "10.0.0.2" and d[0]["remote"] == "10.1.1.1"' &&
	is 'd[0]["sas_in"] == 1 and d[0]["sas_out"] == 1' || return
	p -j peer show remote 10.1.1.1 && is 'len(d) == 1 and d[0]["pairs"] == 1' || return
	p pair show && prints '10\.0\.0\.2 +10\.1\.1\.1 +7' && p peer show && prints '10\.1\.1\.1' &&
	said 1 "no such pair" p pair show id 999999 && said 1 "no such peer" p peer show id 999999
}

stats_count()
{
	p -j stats show && is 'd["sas"] == 3 and d["pairs"] == 2 and d["tick_ms"] > 0' &&
	p stats && prints '^sas +3$'
}

#### Monitor

mon_pid=

# mon_start ARGUMENTS…: to $tmp/mon.log, and it listens when this returns
mon_start()
{
	"$prefpeer" -n "$one" -j monitor "$@" >"$tmp/mon.log" 2>&1 &
	mon_pid=$!
	on_exit "kill -9 $mon_pid"
	wait_for $patience grep -q '"event":"source-' "$tmp/mon.log" || fail "monitor: $(cat "$tmp/mon.log")"
}

# mon_has PYTHON: an expression over e holds for one event.
mon_has()
{
	[ "$(json_log "any($1 for e in l)" "$tmp/mon.log")" = true ]
}

mon_waits_for()
{
	wait_for "$1" mon_has "$2" || fail "no event has $2: $(cat "$tmp/mon.log")"
}

monitor_tells_the_life_of_sas()
{
	mon_start sa pair rule || return
	p rule add remote 10.3.3.3 idle-time 2 map m seq 3 || return
	sa_add "$one" 10.0.0.2 10.3.3.3 0x3001 9 && sa_add "$one" 10.3.3.3 10.0.0.2 0x3002 9 || return
	mon_waits_for $patience 'e["event"] == "rule-new" and e["remote"] == "10.3.3.3"' &&
	mon_waits_for $patience 'e["event"] == "sa-new" and e.get("spi") == "0x00003001" and e["seq"] >= 1' &&
	mon_waits_for $patience 'e["event"] == "pair-idle" and e["remote"] == "10.3.3.3"' || return
	mon_has 'e["event"] == "pair-idle" and e["idle_ms"] >= 2000 and e["meta"]["map"] == "m"' ||
		fail "early, or unlabelled: $(grep pair-idle "$tmp/mon.log")" || return
	ip -n "$one" xfrm state delete dst 10.3.3.3 proto esp spi 0x3001 || return
	mon_waits_for $patience 'e["event"] == "sa-gone" and e["spi"] == "0x00003001" and e["reason"] == "deleted"'
}

monitor_ends_well()
{
	local status

	kill -INT "$mon_pid"
	wait "$mon_pid"
	status=$?
	[ $status -eq 0 ] || fail "status $status" || return
	mon_has True && ! mon_has 'e["event"].startswith("peer")'
}

# The socket's smallest buffer, a reader that is stopped, and more than it holds.
lost_events_are_counted()
{
	local i

	mon_start sa buffer 1 || return
	kill -STOP "$mon_pid"
	for i in $(seq 100); do
		echo "xfrm state add src 10.0.0.2 dst 10.4.4.4 proto esp spi $((0x4000 + i)) reqid 10" \
			"mode tunnel aead rfc4106(gcm(aes)) $key 128"
	done >"$tmp/batch"
	ip -n "$one" -batch "$tmp/batch" || return
	wait_for $patience tracked 100 || fail "not all SAs are tracked" || return
	kill -CONT "$mon_pid"
	mon_waits_for $patience 'e["event"] == "overrun"' || return
	# The gap shows at the next event.
	sa_add "$one" 10.0.0.2 10.4.4.4 0x5000 10
	mon_waits_for $patience 'e["event"] == "lost" and e["group"] == "sa" and 0 < e["count"] <= 100' || return
	kill -INT "$mon_pid"
	wait "$mon_pid"
	mon_has 'sum(x["event"] == "sa-new" for x in l) + sum(x.get("count", 0) for x in l) == 101' ||
		fail "seen and lost are not 101: $(grep -v sa-new "$tmp/mon.log")"
}

tracked()
{
	p -j sa show dst 10.4.4.4 && json_is "len(d) == $1" "$(<"$tmp/out.log")"
}

monitor_outlives_the_module()
{
	mon_start rule || return
	module_unload || return
	mon_waits_for $patience 'e["event"] == "source-down" and e["source"] == "module"' || return
	module_load || return
	mon_waits_for $patience 'e["event"] == "source-up" and e["source"] == "module" and e is not l[0]' || return
	p rule add remote 10.8.8.8 idle-time 60 || return
	mon_waits_for $patience 'e["event"] == "rule-new" and e["remote"] == "10.8.8.8" and e["seq"] == 1'
}

monitor_text_says_what_is_missing()
{
	"$prefpeer" -n "$two" -S "$tmp/none" monitor >"$tmp/out.log" 2>&1 &
	mon_pid=$!
	on_exit "kill -9 $mon_pid"
	wait_for $patience grep -q "no agent on" "$tmp/out.log" || fail "$(cat "$tmp/out.log")" || return
	"$prefpeer" -n "$two" rule add remote fd00::/16 idle-time 500ms >"$tmp/err.log" || return
	wait_for $patience grep -qE '^[0-9:.]{12}  rule  fd00::/16 +new .*idle-time 500 ms' "$tmp/out.log" ||
		fail "$(cat "$tmp/out.log")" || return
	hold_for 5 [ "$(grep -c 'no agent on' "$tmp/out.log")" -eq 1 ] || fail "said more than once" || return
	kill -TERM "$mon_pid"
	wait "$mon_pid"
}

#### Who may, and where

namespaces_are_apart()
{
	"$prefpeer" -n "$two" -j sa show >"$tmp/out.log" && is 'd == []' || return
	"$prefpeer" -n "$two" -j rule show >"$tmp/out.log" && is 'len(d) == 1 and d[0]["remote"] == "fd00::/16"' ||
		return
	said 1 "no network namespace" eval "'$prefpeer' -n nowhere sa >'$tmp/out.log' 2>'$tmp/err.log'"
}

rights_are_needed()
{
	said 1 "CAP_NET_ADMIN" eval "ip netns exec '$one' setpriv --bounding-set=-all --inh-caps=-all \
		--reuid 65534 --clear-groups '$prefpeer' sa show >'$tmp/out.log' 2>'$tmp/err.log'"
}

chmod 0755 "$tmp"
setup_ns one two && ip -n "$one" addr add 10.0.0.2/32 dev lo || exit "$ksft_fail"
test_case "without the module a sentence says so" absent_module_is_said
test_case "SAs of ip xfrm are listed" sas_are_listed
test_case "text is an aligned table without escapes" text_is_a_table
test_case "filters are ANDed" filters_are_anded
test_case "an SA named whole that is not there is an error" unknown_sa_is_an_error
test_case "a rule is added and shown with all it was given" rules_come_and_go
test_case "a rule reaches SAs that exist" rule_reaches_sas_that_exist
test_case "rules print as they were typed" rules_print_as_typed
test_case "the kernel's sentences arrive as they are" kernel_says_what_is_wrong
test_case "wrong words end with status 2 before the kernel is asked" words_are_checked_before
test_case "a rule is changed, and deleted by its selectors" rule_changes_and_goes
test_case "one SA is labelled, and given back to the rules" one_sa_is_labelled
test_case "pairs and peers are shown" pair_and_peer_show_the_whole
test_case "stats count" stats_count
test_case "monitor tells the life of SAs, rules and pairs" monitor_tells_the_life_of_sas
test_case "monitor ends on SIGINT with whole lines and status 0" monitor_ends_well
test_case "lost events are counted exactly" lost_events_are_counted
test_case "monitor outlives the module and joins it again" monitor_outlives_the_module
test_case "monitor says once, in text, that the agent is missing" monitor_text_says_what_is_missing
test_case "namespaces are apart" namespaces_are_apart
test_case "without CAP_NET_ADMIN a sentence says so" rights_are_needed
finish
