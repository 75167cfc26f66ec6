#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# The family through the kernel's own command line for netlink families, which knows
# nothing of us but our description, unchanged: tools/kernel-tree puts both side by side.

. "$(dirname "$(readlink -f "$0")")/lib_kmod.sh"

ynl_dir=$build_dir/kernel-tree
[ -e "$ynl_dir/tools/net/ynl/cli.py" ] || skip_all "no ynl: tools/kernel-tree $ynl_dir"

plan 6

# This version of the tool prints addresses as such, and takes them as numbers only.
hub_number=167772162 # 10.0.0.2

# ynl ARGUMENTS…: one line of JSON
ynl()
{
	in_ns "$a" $python "$ynl_dir/tools/net/ynl/cli.py" \
		--spec "$ynl_dir/uapi/netlink/specs/prefpeer.yaml" --output-json "$@"
}

# ynl_says PYTHON JSON: of the reply r; sent by ynl, read by nothing of ours
ynl_says()
{
	$python -c 'import json, sys; r = json.loads(sys.argv[2]); print(eval(sys.argv[1]))' "$1" "$2"
}

setup()
{
	kmod_hosts && module_load && pair_add 1 && pair_add 2
}

counts_are_told()
{
	local reply

	reply=$(ynl --do info-get --json '{}') || fail "$reply" || return
	expect "SAs, pairs, peers, rules" \
		"$(ynl_says '[r["stats"][k] for k in ("sas", "pairs", "peers", "rules")]' "$reply")" "[4, 2, 1, 0]"
}

rule_and_its_metadata()
{
	local reply

	reply=$(ynl --do rule-new --json '{"remote-ipv4": '$hub_number', "remote-len": 32, "reqid": 1,
		"meta": {"map": "tohub", "map-seq": 1, "idle-time": 2000, "flags": ["default"]}}') ||
		fail "rule-new: $reply" || return
	reply=$(ynl --dump pair-get --json '{"reqid": 1}') || fail "pair-get: $reply" || return
	expect "pairs of that reqid" "$(ynl_says 'len(r)' "$reply")" 1 &&
	expect "the metadata of the pair" \
		"$(ynl_says 'r[0]["meta"]["map"], r[0]["meta"]["idle-time"], r[0]["meta"]["flags"]' "$reply")" \
		"('tohub', 2000, ['default'])"
}

dump_is_filtered()
{
	local reply

	reply=$(ynl --dump sa-get --json '{"reqid": 2, "dir": "out"}') || fail "$reply" || return
	expect "SPIs" "$(ynl_says '[o["spi"] for o in r]' "$reply")" "['0x1002']" &&
	expect "address and state" "$(ynl_says 'r[0]["dst-ipv4"], r[0]["state"]' "$reply")" "('10.0.0.2', 'active')"
}

refusal_is_a_sentence()
{
	local text

	text=$(ynl --do rule-new --json '{"remote-ipv4": '$hub_number', "remote-len": 33}' 2>&1) &&
		fail "a prefix of 33 bits was taken" && return 1
	grep -qF "prefix longer than the address" <<<"$text" && grep -qF "remote-len" <<<"$text" ||
		fail "not our sentence and attribute: $text"
}

events_are_heard()
{
	local reply

	bg "$tmp/ynl.log" ip netns exec "$a" $python "$ynl_dir/tools/net/ynl/cli.py" --output-json \
		--spec "$ynl_dir/uapi/netlink/specs/prefpeer.yaml" --subscribe peer --sleep 8
	wait "$bg_pid"
	reply=$(grep '^\[' "$tmp/ynl.log") || fail "$(cat "$tmp/ynl.log")" || return
	expect "pairs that fell idle meanwhile" \
		"$(ynl_says 'sorted({e["msg"]["reqid"] for e in r if e["name"] == "pair-idle-ntf"})' "$reply")" "[1]"
}

# So that a verdict falls into the listener's 8 s, whenever those begin: each packet
# begins an episode, and reqid 1 is idle 2 s later. reqid 2 has no rule.
episodes()
{
	while :; do
		outbound 1
		sleep 4
	done
}

heard()
{
	local pid rc

	episodes &
	pid=$!
	events_are_heard
	rc=$?
	kill $pid
	return $rc
}

test_case "hosts, module and SAs" setup || { finish; exit; }
test_case "info-get" counts_are_told
test_case "rule-new, and pair-get with its metadata" rule_and_its_metadata
test_case "a dump with a filter" dump_is_filtered
test_case "a refusal, its sentence and the attribute" refusal_is_a_sentence
test_case "events of group peer" heard
finish
