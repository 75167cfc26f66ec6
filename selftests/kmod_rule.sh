#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Rules: their order, what they apply to, and every refusal with its sentence.

. "$(dirname "$(readlink -f "$0")")/lib_kmod.sh"

plan 13

setup()
{
	kmod_hosts && module_load && watch
}

# rule SELECTORS… META…: adds one, its id in $id
rule()
{
	id=$(pp_a -j rule add "$@" 2>"$tmp/err") || fail "rule add $*: $(cat "$tmp/err")" || return
	id=$(tr -dc 0-9 <<<"$id")
}

# refused TEXT ERRNO ARGUMENTS…: the command is refused with that sentence
refused()
{
	local text=$1

	shift
	! pp_a "$@" >/dev/null 2>"$tmp/err" || fail "accepted: $*" || return
	grep -qF "$text" "$tmp/err" || fail "$*: '$(cat "$tmp/err")' does not say '$text'"
}

# map_of SPI: the map of an SA, which is that of its pair's rule
map_of()
{
	field_of "$a" 'o.get("meta", {}).get("map")' sa show spi "$1"
}

applies_to_sas_already_there()
{
	pair_sas 1 || return
	expect "map without a rule" "$(map_of 0x1001)" None || return
	rule remote 10.0.0.0/8 map wide seq 3 index 2 default idle-time 77s one-way 900ms cookie 123456789012 || return
	expect "map" "$(map_of 0x1001) $(map_of 0x2001)" "wide wide" &&
	expect "all of it" \
		"$(field_of "$a" '[o["meta"][k] for k in ("map", "map_seq", "index", "default", "idle_time_ms", "one_way_ms", "cookie")], o["source"]' sa show spi 0x1001)" \
		"(['wide', 3, 2, True, 77000, 900, '0x0000001cbe991a14'], 'rule')"
}

# Each rule beats the one before it, and the first of all comes back at last.
order_is_that_of_the_contract()
{
	local sel n=0 ids=()

	ip -n "$a" xfrm state add src $addr_a dst $addr_b proto esp spi 0x3001 reqid 9 if_id 5 \
		mark 0x17 mask 0xff mode transport auth 'hmac(sha1)' $auth_key enc cipher_null '' || return
	while read -r sel; do
		n=$((n + 1))
		# shellcheck disable=SC2086
		rule $sel map "m$n" || return
		ids+=("$id")
		expect "after '$sel'" "$(map_of 0x3001)" "m$n" || return
	done <<-SELECTORS
		remote 10.0.0.0/9
		remote 10.0.0.0/9 proto esp
		remote 10.0.0.0/9 mark 0x7/0x0f
		remote 10.0.0.0/9 mark 0x17/0x3f
		remote 10.0.0.0/9 if_id 5
		remote 10.0.0.0/9 reqid 9
		remote 10.0.0.0/9 local 10.0.0.0/8
		remote 10.0.0.0/9 local 10.0.0.1
		remote 10.0.0.0/9 local 10.0.0.1 reqid 9
		remote 10.0.0.2
		remote 10.0.0.2 if_id 5 mark 0x17/0xff proto esp
	SELECTORS
	while [ $n -gt 1 ]; do
		pp_a rule del id "${ids[n - 1]}" || return
		n=$((n - 1))
		expect "after the better ones are gone" "$(map_of 0x3001)" "m$n" || return
	done
	pp_a rule del id "${ids[0]}" && expect "in the end" "$(map_of 0x3001)" wide
}

others_do_not_match()
{
	local sel

	while read -r sel; do
		# shellcheck disable=SC2086
		rule $sel map wrong || return
		expect "with '$sel'" "$(map_of 0x3001)" wide || return
		# shellcheck disable=SC2086
		pp_a rule del $sel || fail "rule del $sel" || return
	done <<-SELECTORS
		remote 10.0.0.1
		remote 10.0.0.2 local 10.0.0.2
		remote 10.0.0.2 reqid 8
		remote 10.0.0.2 if_id 6
		remote 10.0.0.2 mark 0x16/0xff
		remote 10.0.0.2 proto ah
		remote 10.0.0.3
		remote fd00::/8
	SELECTORS
}

best_of_any_member_is_the_pairs()
{
	# strongSwan marks only the outbound SA
	sa_add "$a" $addr_a $addr_b 0x1060 60 mark 0x99 mask 0xff &&
	sa_add "$a" $addr_b $addr_a 0x2060 60 || return
	rule remote 10.0.0.2 mark 0x99/0xff map marked || return
	expect "maps" "$(map_of 0x1060) $(map_of 0x2060)" "marked marked" || return
	sa_del "$a" $addr_a $addr_b "0x1060 mark 0x99 mask 0xff" 2>/dev/null ||
		ip -n "$a" xfrm state delete src $addr_a dst $addr_b proto esp spi 0x1060 mark 0x99 mask 0xff || return
	expect "when the marked one is gone" "$(map_of 0x2060)" wide &&
	pp_a rule del remote 10.0.0.2 mark 0x99/0xff
}

ipv6_likewise()
{
	sa_add "$a" $addr6_a $addr6_b 0x6001 6 && sa_add "$a" $addr6_b $addr6_a 0x6002 6 || return
	rule remote fd00::/16 map six && rule remote fd00::2/128 local fd00::/64 map sixbest || return
	expect "maps" "$(map_of 0x6001) $(map_of 0x6002)" "sixbest sixbest" || return
	pp_a rule del remote fd00::2/128 local fd00::/64 &&
	expect "map of the wider one" "$(map_of 0x6001)" six
}

set_replaces_all()
{
	rule remote 10.0.0.2 reqid 9 map first idle-time 100s || return
	pp_a rule set id "$id" map second || return
	expect "meta" "$(field_of "$a" 'o["meta"].get("map"), o["meta"].get("idle_time_ms")' sa show spi 0x3001)" \
		"('second', None)" &&
	pp_a rule del id "$id"
}

own_metadata_wins()
{
	pp_a sa set dst 10.0.0.2 proto esp spi 0x3001 mark 0x17/0xff map own || return
	expect "map" "$(map_of 0x3001)" own || return
	pp_a sa set dst 10.0.0.2 proto esp spi 0x3001 mark 0x17/0xff none &&
	expect "map when cleared" "$(map_of 0x3001)" wide
}

refusals()
{
	local n

	n=$(field_of "$a" 'len(l)' rule show | head -n 1)
	in_ns "$a" $python "$selftests_dir/kmod_refuse.py" >"$tmp/refuse" 2>&1 ||
		fail "$(cat "$tmp/refuse")" || return
	expect "rules left behind" "$(field_of "$a" 'len(l)' rule show | head -n 1)" "$n"
}

selectors_twice_and_gone()
{
	refused "a rule with these selectors exists" rule add remote 10.0.0.0/8 map x &&
	refused "no such rule" rule del remote 10.0.0.0/7 &&
	refused "no such rule" rule del remote 10.0.0.0/8 reqid 1 &&
	refused "no such rule" rule del id 4000000000 &&
	refused "no such rule" rule set id 4000000000 map x &&
	refused "SA is not tracked" sa set dst 10.0.0.2 proto esp spi 0x4444 map x
}

several_sas_match()
{
	sa_add "$a" $addr_a $addr_b 0x7001 70 mark 1 mask 0xff && sa_add "$a" $addr_a $addr_b 0x7001 70 mark 2 mask 0xff || return
	refused "several SAs match, give mark and mark-mask" sa set dst 10.0.0.2 proto esp spi 0x7001 map x &&
	pp_a sa set dst 10.0.0.2 proto esp spi 0x7001 mark 2/0xff map two &&
	expect "maps" "$(field_of "$a" 'o["mark"], o["meta"]["map"]' sa show spi 0x7001 | sort | tr '\n' ' ')" \
		"(1, 'wide') (2, 'two') "
}

limit_is_kept()
{
	local n

	n=$(field_of "$a" 'o["stats"]["rules"] if "stats" in o else o["rules"]' stats)
	echo $((n + 1)) >/sys/module/prefpeer/parameters/max_rules
	rule remote 10.99.0.0/16 map last || return
	refused "rule limit of this namespace reached" rule add remote 10.98.0.0/16 map more || return
	echo 4096 >/sys/module/prefpeer/parameters/max_rules
	rule remote 10.98.0.0/16 map more
}

events_are_told_and_numbered()
{
	local seqs

	rule remote 10.97.0.0/16 map told || return
	pp_a rule set id "$id" map again && pp_a rule del id "$id" || return
	expect_events "of the rule" "rule-new rule-new rule-del" \
		"e.rule_id == $id and e.event.startswith('rule-')" || return
	seqs=$(events "e.event.startswith('rule-')" seq)
	expect "numbers" "$seqs" "$(seq "$(head -n 1 <<<"$seqs")" "$(tail -n 1 <<<"$seqs")")"
}

test_case "hosts, module and monitor" setup || { finish; exit; }
test_case "a rule applies to SAs that are there" applies_to_sas_already_there
test_case "the order of rules is that of the contract" order_is_that_of_the_contract
test_case "a rule that differs in one selector does not apply" others_do_not_match
test_case "the best rule of any SA is that of its pair" best_of_any_member_is_the_pairs
test_case "IPv6 likewise" ipv6_likewise
test_case "rule-set replaces all metadata" set_replaces_all
test_case "sa-set wins over rules, until it is cleared" own_metadata_wins
test_case "every refusal: errno, sentence and attribute" refusals
test_case "selectors twice, and what is not there, are refused" selectors_twice_and_gone
test_case "an ambiguous name is refused, its mark resolves it" several_sas_match
test_case "max_rules is kept" limit_is_kept
test_case "rule events, numbered without a gap" events_are_told_and_numbered
finish
