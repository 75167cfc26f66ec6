#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Instructions per SA that is added, with the module and without, in one boot.

. "$(dirname "$(readlink -f "$0")")/../../selftests/lib_kmod.sh"
. "$(dirname "$(readlink -f "$0")")/lib.sh"

sas=10000 rounds=2

# add PER_PAIR: one run, per SA: the caller's instructions to $per_sa, those of all tasks
# until 3 s later to $all_sa
add()
{
	local caller all n

	read -r caller all < <(in_ns "$a" "$load" add $sas "$1") || bench_die "no SAs added"
	n=$(ip -n "$a" xfrm state count | awk '{ print $3 }')
	[ "${n:-0}" -ge $((sas - 2)) ] || bench_die "there are ${n:-no} SAs, not $sas"
	per_sa=$(ratio "$caller" $sas 0)
	all_sa=$(ratio "$all" $sas 0)
}

clean()
{
	ip -n "$a" xfrm state flush
	sleep 5
}

with_module()
{
	insmod "$module_ko" || bench_die "no module"
	pp_a rule add remote 10.0.0.0/8 idle-time 60s >/dev/null || bench_die "no rule"
}

# compare PER_PAIR WHAT: A/B/A/B
compare()
{
	local i without=() with=() without_all=() with_all=() tracked

	for ((i = 0; i < rounds; i++)); do
		add "$1"
		without+=("$per_sa") without_all+=("$all_sa")
		clean
		with_module
		add "$1"
		tracked=$(pp_a -j stats show | jq '.sas')
		[ "$tracked" -ge $((sas - 2)) ] || bench_die "the module tracks $tracked SAs"
		with+=("$per_sa") with_all+=("$all_sa")
		clean
		rmmod prefpeer || bench_die "rmmod"
		sleep 1
	done
	row "SA add, $2: with module / without" \
		"$(ratio "$(median "${with[@]}")" "$(median "${without[@]}")")" ratio \
		"$sas NEWSA, 64 per message, GCM, random addresses and reqids, one rule that matches all; CPU time of the caller, 1 ns per instruction; median of $rounds, alternating in one boot" \
		"{\"with\": $(json_list "${with[@]}"), \"without\": $(json_list "${without[@]}"), \"sas\": $sas}"
	row "SA add and what follows, $2: with / without" \
		"$(ratio "$(median "${with_all[@]}")" "$(median "${without_all[@]}")")" ratio \
		"the same runs; CPU time of all tasks until 3 s after the last, the module's worker included" \
		"{\"with\": $(json_list "${with_all[@]}"), \"without\": $(json_list "${without_all[@]}")}"
	row "SA add, $2: instructions without" "$(median "${without[@]}")" instructions "the same runs, per SA"
	row "SA add, $2: instructions with" "$(median "${with[@]}")" instructions "the same runs, per SA"
}

setup_ns a || bench_die "no namespace"
add 2 && clean # the hash grows to its size
compare 2 "2 per pair"
compare 1 "1 per pair"
