#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: by name, it takes minutes
#
# AH (RFC 4302) against strongSwan: integrity of all there is, and no encryption.
# Each hash, extended sequence numbers, rekeys by either end, a hub that dies and one
# that comes back, idleness, an agent that is killed, and a reload that leaves AH.
# The wire has AH, and nothing in clear beside it.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 14

ah_hub() { hub_start "$1" esp= ah=sha256 dpd=30s; }

# ah_conf LINE…: of the entry
ah_conf()
{
	e2e_conf "10 2 periodic" "set peer $h1" "$@"
	branch_has "ah-sha256-hmac"
}

branch_has()
{
	sed -i "/^ esn\$/d; s/^crypto ipsec transform-set ts .*/crypto ipsec transform-set ts $1/" "$tmp/prefpeer.conf"
}

start()
{
	local t

	e2e_hub=ah_hub
	e2e_up 1 && flow_listen flow && flow_listen_lan back || return
	ah_conf "set security-association idle-time 120"
	t=$(now_ns)
	e2e_agent && flow_start flow 50000 || return
	up_with $h1 20 || fail "not up" || return
	wait_for 10 flow_more flow 20 || fail "no traffic" || return
	capture_sync
	[ "$(wire_count " ah $branch_addr $h1 .*next=4 " "$t")" -ge 20 ] || fail "no AH on the wire" || return
	expect "ESP on the wire" "wire_count ' esp ' $t" 0
}

xfrm_has()
{
	local sad

	sad=$(ip -n "$branch" xfrm state list src $branch_addr dst $h1 &&
		ip -n "$branch" xfrm state list src $h1 dst $branch_addr)
	expect "SAs with $1" "grep -cE '$1' <<<\"\$sad\"" "${2:-2}" || { diag "$sad"; return 1; }
}

templates()
{
	xfrm_has 'proto ah spi 0x[0-9a-f]+ reqid [0-9]+ mode tunnel' && xfrm_has ' enc | aead ' 0 &&
	expect "templates of AH" "ip -n $branch xfrm policy | grep -c 'proto ah reqid .* mode tunnel'" 3 &&
	expect "templates of ESP" "ip -n $branch xfrm policy | grep -c 'proto esp'" 0
}

# The module tracks it as any other: idle time, packets, the peer's last sign.
module_sees_it()
{
	pp pair show >"$tmp/pair.log" && grep -qF "$h1" "$tmp/pair.log" ||
		fail "it has no pair: $(cat "$tmp/pair.log")" || return
	pp sa show >"$tmp/sa.log"
	expect "SAs of AH" "grep -cw ah $tmp/sa.log" 2 || { diag "$(cat "$tmp/sa.log")"; return 1; }
	expect "SAs shown as AH" "pp show crypto ipsec sa | grep -A 2 'bound ah sas' | grep -c 'transform: ah-sha256-hmac '" 2
}

up_since() { [ "$(state_ns UP $h1)" -gt "$1" ] && peer_is_up $h1; }

again()
{
	local t

	t=$(now_ns)
	pp session clear || return
	wait_for 30 up_since "$t" || fail "not up again"
}

passes_both_ways()
{
	in_ns "$lan" ping -c 5 -i 0.1 -W 1 $site_host >"$tmp/ping.log" &&
	grep -q ' 5 received' "$tmp/ping.log" || fail "not both ways: $(tail -n 2 "$tmp/ping.log")"
}

# suite AH TRANSFORM-SET HUB-SAYS XFRM-HAS
suite()
{
	local said

	sed -i -E "s/^([[:space:]]*ah_proposals =).*/\1 $1/" "$tmp/hub1/swanctl.conf"
	peer_load hub1 && branch_has "$2" || return
	pp reload >"$tmp/reload.log" 2>&1 || fail "reload: $(cat "$tmp/reload.log")" || return
	again || return
	said=$(swanctl_of hub1 --list-sas)
	grep -qE "AH:$3\$" <<<"$said" || fail "the suite is not $3: $said" || return
	xfrm_has "$4" && passes_both_ways
}

spis() { echo "$(sa_spis "$branch" $branch_addr $h1) $(sa_spis "$branch" $h1 $branch_addr)"; }

spi_changed()
{
	local now

	now=$(spis)
	set -- $now
	[ $# -eq 2 ] && [ "$now" != "$spis_before" ]
}

soft_end() { in_ns "$branch" "$selftests_dir/xfrm_expire.py" $h1 "$(sa_spis "$branch" $branch_addr $h1)" ah; }
hub_rekeys() { swanctl_of hub1 --rekey --child branch4-net4 >/dev/null; }

# across COMMAND: flows both ways, COMMAND, a new pair, no packet lost
across()
{
	local t name there back

	spis_before=$(spis)
	t=$(now_ns)
	flow_stop
	flow_start flow 5000 0 && there=$flow_pid && flow_start_site back 5000 0 && back=$flow_pid || return
	wait_for 20 flow_more back "$(($(flow_received back) + 100))" || fail "no flow back" || return
	"$1" || fail "$1" || return
	wait_for 30 spi_changed || fail "no new pair: $(spis), before: $spis_before" || return
	flow_stop "$back"
	flow_stop "$there"
	for name in flow back; do
		flow_report $name "$t"
		[ "$received" -ge 100 ] && [ "$lost" -eq 0 ] ||
			fail "$name: $lost of $((received + lost)) packets lost" || return
	done
	flow_start flow 50000
	xfrm_has 'proto ah'
}

# The larval of AH goes after each attempt, so that the next packet asks again.
hub_dies_and_returns()
{
	local t

	t=$(now_ns)
	hub_cut 1
	state_await 60 BACKOFF || fail "not given up" || return
	hub_restore 1
	wait_for 70 up_since "$t" || fail "not back" || return
	says BACKOFF "" '.*' "$t" || return
	passes_both_ways
}

agent_dies()
{
	local t

	t=$(now_ns)
	agent_kill
	wait_for 10 flow_more flow "$(($(flow_received flow) + 20))" || fail "no AH without the agent" || return
	e2e_agent || return
	up_with $h1 30 || fail "not up" || return
	grep -q 'SAs of an earlier run found' "$tmp/agent.log" || fail "they were not found" || return
	wait_for 20 only_one_pair || fail "SAs that are left: $(spis)" || return
	# The hub drops the old pair at INITIAL_CONTACT, before the new one is in.
	flow_report flow "$t"
	[ "$lost" -le 5 ] || fail "$lost packets lost"
}

only_one_pair()
{
	set -- $(spis)
	[ $# -eq 2 ]
}

idle_end()
{
	flow_stop
	state_await 200 DOWN || fail "still up" || return
	expect reason "state_event DOWN reason" idle || return
	wait_for 10 peer_is_gone $h1 && wait_for 10 sa_none "$hub1" $branch_addr $h1 ||
		fail "SAs are left" || return
	flow_start flow 50000
	up_with $h1 20 || fail "the next packet brings nothing up"
}

# The pair and its rekeys stay AH; what is set up next is ESP.
reload_leaves_ah()
{
	local t

	sed -i -E "s/^([[:space:]]*)ah_proposals =.*/\1esp_proposals = aes128gcm16/" "$tmp/hub1/swanctl.conf"
	peer_load hub1 && branch_has "esp-gcm 128" || return
	t=$(now_ns)
	pp reload >"$tmp/reload.log" 2>&1 || fail "reload: $(cat "$tmp/reload.log")" || return
	wait_for 10 flow_more flow "$(($(flow_received flow) + 50))" || fail "no traffic" || return
	flow_report flow "$t"
	[ "$lost" -eq 0 ] || fail "$lost packets lost by the reload" || return
	xfrm_has 'proto ah' && again || return
	xfrm_has 'proto esp' && passes_both_ways
}

test_case "AH with HMAC-SHA2-256: up, and on the wire" start || { finish; exit; }
test_case "SAs and templates are of AH, in tunnel mode" templates
test_case "the module has its pair" module_sees_it
test_case "HMAC-SHA2-384" suite sha384 ah-sha384-hmac HMAC_SHA2_384_192 'auth-trunc hmac\(sha384\) 0x[0-9a-f]{96} 192'
test_case "HMAC-SHA2-512 and extended sequence numbers" suite sha512-esn 'ah-sha512-hmac\n esn' \
	HMAC_SHA2_512_256/ESN 'flag .*esn'
test_case "HMAC-SHA2-256, 128 bits of it" suite sha256 ah-sha256-hmac HMAC_SHA2_256_128 \
	'auth-trunc hmac\(sha256\) 0x[0-9a-f]{64} 128'
test_case "a rekey by us loses no packet" across soft_end
test_case "a rekey by the hub loses no packet" across hub_rekeys
test_case "the agent is killed: AH goes on, and is taken over" agent_dies
test_case "the hub dies, and is found again" hub_dies_and_returns
test_case "idle: torn down at both ends, and up again with the next packet" idle_end
test_case "a reload from AH to ESP: the pair stays, the next is ESP" reload_leaves_ah
flow_stop
test_case "the flow arrived through all of it" flow_more flow 100
test_case "case 30: nothing in clear" nothing_in_clear
finish
