#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# Every suite that the agent has, negotiated with strongSwan: what both ends say
# was agreed, what XFRM got, and traffic both ways. Then the ways an IKE_SA_INIT
# goes twice (COOKIE, another group), identities, and a hub without a common suite.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
module_need
agent_need

plan 22

peers="set peer $h1"

start()
{
	e2e_up 1 && flow_listen flow || return
	e2e_conf "10 2 periodic" "$peers"
	e2e_agent && flow_start flow 50000 || return
	up_with $h1 20 || fail "not up"
}

# hub_offers PROPOSALS ESP: without a restart
hub_offers()
{
	sed -i -E "s/^([[:space:]]*proposals =).*/\1 $1/; s/^([[:space:]]*esp_proposals =).*/\1 $2/" \
		"$tmp/hub1/swanctl.conf"
	peer_load hub1
}

branch_uses()
{
	sed -i "/^ esn\$/d; s/^crypto ipsec transform-set ts .*/crypto ipsec transform-set ts $1/" "$tmp/prefpeer.conf"
	pp reload >"$tmp/reload.log" 2>&1 || fail "reload: $(cat "$tmp/reload.log")"
}

up_since() { [ "$(state_ns UP $h1)" -gt "$1" ] && peer_is_up $h1; }

# again: the tunnel anew, wanted by the flow
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

# suite PROPOSALS ESP TRANSFORM-SET IKE-SAYS ESP-SAYS XFRM-HAS
suite()
{
	local said sad

	hub_offers "$1" "$2" && branch_uses "$3" && again || return
	said=$(swanctl_of hub1 --list-sas)
	grep -qE "^ +$4\$" <<<"$said" || fail "IKE suite is not $4: $said" || return
	grep -qE "ESP:$5\$" <<<"$said" || fail "ESP suite is not $5: $said" || return
	sad=$(ip -n "$branch" xfrm state list src $branch_addr dst $h1 &&
		ip -n "$branch" xfrm state list src $h1 dst $branch_addr)
	expect "SAs with $6" "grep -cE '$6' <<<\"\$sad\"" 2 || { diag "$sad"; return 1; }
	passes_both_ways
}

# replay_is WORDS XFRM-HAS: of the inbound SA of a new tunnel
replay_is()
{
	local sad

	sed -i "/^crypto ipsec security-association replay /d
		1i crypto ipsec security-association replay $1" "$tmp/prefpeer.conf"
	pp reload >"$tmp/reload.log" 2>&1 || fail "reload: $(cat "$tmp/reload.log")" || return
	again || return
	sad=$(ip -n "$branch" xfrm state list src $h1 dst $branch_addr)
	grep -qE "$2" <<<"$sad" || { diag "$sad"; fail "replay $1 is not what XFRM has"; return; }
	passes_both_ways
}

replay_windows()
{
	hub_offers aes128gcm16-prfsha256-x25519 aes128gcm16 && branch_uses "esp-gcm 128" || return
	replay_is "window-size 1024" 'replay_window 1024, bitmap-length 32' &&
	replay_is disable 'replay-window 0 ' || return
	sed -i "/^crypto ipsec security-association replay /d" "$tmp/prefpeer.conf"
}

# A group that was not guessed: answered by INVALID_KE_PAYLOAD, followed.
followed()
{
	tail -n 60 "$tmp/hub1.log" | grep -q 'N(INVAL_KE)' ||
		fail "the hub asked for no other group, so that proves nothing"
}

suite_of_another_group() { suite "$@" && followed; }

# The hub holds one half-open IKE SA, whose answers do not reach us; it asks for a
# cookie from the second on.
cookie()
{
	local t

	agent_stop && peer_stop hub1
	hub_start 1 charon="cookie_threshold = 1
		cookie_threshold_ip = 1
		half_open_timeout = 120" || return
	hub_cut 1 from
	t=$(now_ns)
	e2e_agent || return
	wait_for 20 init_was_sent "$t" || fail "nothing was tried" || return
	sleep 1
	agent_kill
	hub_restore 1 from
	! grep -q 'IKE_SA_INIT request 0 .*N(COOKIE)' "$tmp/hub1.log" || fail "a cookie through the cut" || return
	e2e_agent
	up_with $h1 30 || fail "not up" || return
	grep -q 'IKE_SA_INIT response 0 .*N(COOKIE)' "$tmp/hub1.log" ||
		fail "the hub asked for no cookie, so that proves nothing" || return
	grep -q 'IKE_SA_INIT request 0 .*N(COOKIE)' "$tmp/hub1.log" || fail "no cookie came back" || return
	passes_both_ways
}

init_was_sent() { capture_sync; [ "$(ike_count $h1 IKE_SA_INIT "$1")" -ge 1 ]; }

refused_and_why()
{
	local t

	t=$(now_ns)
	"$@" && pp session clear || return
	state_await 40 BACKOFF || fail "no BACKOFF" || return
	! up_since "$t" || fail "it came up"
}

no_common_group()
{
	refused_and_why hub_offers aes128-sha256-modp1536 aes128gcm16 || return
	monitor_has '"event":"map-note".*"reason":"no-proposal"' || fail "no reason in the monitor" || return
	pp map show >"$tmp/show.log"
	grep -q 'NO_PROPOSAL_CHOSEN' "$tmp/show.log" || fail "map show does not say why: $(cat "$tmp/show.log")"
}

hub_is_called()
{
	sed -i -E "0,/id = 10.1.1.1/s//id = hub-one.example/" "$tmp/hub1/swanctl.conf" &&
	hub_offers aes128gcm16-prfsha256-x25519 aes128gcm16 && branch_uses "esp-gcm 128"
}

other_identity_is_refused()
{
	refused_and_why hub_is_called || return
	[[ $(state_event BACKOFF text) == *": the peer identifies itself as fqdn hub-one.example, expected is $h1"* ]] ||
		fail "the sentence names not both: $(state_event BACKOFF text)"
}

identity_of_keyring()
{
	local t

	sed -i "/key .* address $h1\$/d" "$tmp/prefpeer.conf"
	{
		printf 'crypto ikev2 keyring hubs\n peer one\n  address %s\n' $h1
		printf '  identity fqdn hub-one.example\n  pre-shared-key %s\n' $psk
		cat "$tmp/prefpeer.conf"
	} >"$tmp/new.conf"
	cat "$tmp/new.conf" >"$tmp/prefpeer.conf"
	t=$(now_ns)
	pp reload >"$tmp/reload.log" 2>&1 || fail "reload: $(cat "$tmp/reload.log")" || return
	wait_for 70 up_since "$t" || fail "not up" || return
	passes_both_ways
}

x25519=CURVE_25519
test_case "one hub, traffic" start || { finish; exit; }
test_case "AES-CBC-128, HMAC-SHA2-256, X25519; ESP the same, 128 bits of HMAC" suite \
	aes128-sha256-x25519 aes128-sha256 "esp-aes 128 esp-sha256-hmac" \
	AES_CBC-128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/$x25519 AES_CBC-128/HMAC_SHA2_256_128 \
	'auth-trunc hmac\(sha256\) 0x[0-9a-f]{64} 128'
test_case "AES-CBC-256, HMAC-SHA2-256, ECP-256 by INVALID_KE_PAYLOAD" suite_of_another_group \
	aes256-sha256-ecp256 aes256-sha256 "esp-aes 256 esp-sha256-hmac" \
	AES_CBC-256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/ECP_256 AES_CBC-256/HMAC_SHA2_256_128 \
	'enc cbc\(aes\) 0x[0-9a-f]{64}$'
test_case "AES-GCM-256, PRF SHA2-384, ECP-384 by INVALID_KE_PAYLOAD; ESP AES-GCM-256" suite_of_another_group \
	aes256gcm16-prfsha384-ecp384 aes256gcm16 "esp-gcm 256" \
	AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384 AES_GCM_16-256 \
	'aead rfc4106\(gcm\(aes\)\) 0x[0-9a-f]{72} 128'
test_case "AES-GCM-128, PRF SHA2-256, MODP-2048 by INVALID_KE_PAYLOAD" suite_of_another_group \
	aes128gcm16-prfsha256-modp2048 aes128gcm16 "esp-gcm 128" \
	AES_GCM_16-128/PRF_HMAC_SHA2_256/MODP_2048 AES_GCM_16-128 \
	'aead rfc4106\(gcm\(aes\)\) 0x[0-9a-f]{40} 128'
test_case "AES-GCM-256, PRF SHA2-256, X25519" suite \
	aes256gcm16-prfsha256-x25519 aes128gcm16 "esp-gcm 128" \
	AES_GCM_16-256/PRF_HMAC_SHA2_256/$x25519 AES_GCM_16-128 'aead'
test_case "AES-CBC-128 with PRF SHA2-384" suite \
	aes128-sha256-prfsha384-x25519 aes128gcm16 "esp-gcm 128" \
	AES_CBC-128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_384/$x25519 AES_GCM_16-128 'aead'
test_case "ChaCha20-Poly1305, PRF SHA2-512, ECP-521 by INVALID_KE_PAYLOAD; ESP the same" suite_of_another_group \
	chacha20poly1305-prfsha512-ecp521 chacha20poly1305 esp-chacha20-poly1305 \
	CHACHA20_POLY1305/PRF_HMAC_SHA2_512/ECP_521 CHACHA20_POLY1305 \
	'aead rfc7539esp\(chacha20,poly1305\) 0x[0-9a-f]{72} 128'
test_case "AES-CBC-192, HMAC-SHA2-384, X448 by INVALID_KE_PAYLOAD; ESP the same" suite_of_another_group \
	aes192-sha384-x448 aes192-sha384 "esp-aes 192 esp-sha384-hmac" \
	AES_CBC-192/HMAC_SHA2_384_192/PRF_HMAC_SHA2_384/CURVE_448 AES_CBC-192/HMAC_SHA2_384_192 \
	'auth-trunc hmac\(sha384\) 0x[0-9a-f]{96} 192'
test_case "AES-CBC-256, HMAC-SHA2-512, MODP-3072 by INVALID_KE_PAYLOAD; ESP the same" suite_of_another_group \
	aes256-sha512-modp3072 aes256-sha512 "esp-aes 256 esp-sha512-hmac" \
	AES_CBC-256/HMAC_SHA2_512_256/PRF_HMAC_SHA2_512/MODP_3072 AES_CBC-256/HMAC_SHA2_512_256 \
	'auth-trunc hmac\(sha512\) 0x[0-9a-f]{128} 256'
test_case "AES-GCM-192, MODP-4096 by INVALID_KE_PAYLOAD; ESP AES-GCM-192" suite_of_another_group \
	aes192gcm16-prfsha256-modp4096 aes192gcm16 "esp-gcm 192" \
	AES_GCM_16-192/PRF_HMAC_SHA2_256/MODP_4096 AES_GCM_16-192 \
	'aead rfc4106\(gcm\(aes\)\) 0x[0-9a-f]{56} 128'
test_case "ESP AES-GCM-256 with extended sequence numbers" suite \
	aes256gcm16-prfsha256-x25519 aes256gcm16-esn "esp-gcm 256\\n esn" \
	AES_GCM_16-256/PRF_HMAC_SHA2_256/$x25519 AES_GCM_16-256/ESN 'flag .*esn'
test_case "ESP without encryption: NULL and HMAC-SHA2-256" suite \
	aes256gcm16-prfsha256-x25519 null-sha256 "esp-null esp-sha256-hmac" \
	AES_GCM_16-256/PRF_HMAC_SHA2_256/$x25519 NULL/HMAC_SHA2_256_128 'enc ecb\(cipher_null\)'
test_case "ESP without encryption: AES-GMAC-256" suite \
	aes256gcm16-prfsha256-x25519 aes256gmac "esp-gmac 256" \
	AES_GCM_16-256/PRF_HMAC_SHA2_256/$x25519 NULL_AES_GMAC-256 \
	'aead rfc4543\(gcm\(aes\)\) 0x[0-9a-f]{72} 128'
test_case "ESP AES-CTR-256 and HMAC-SHA2-256" suite \
	aes256gcm16-prfsha256-x25519 aes256ctr-sha256 "esp-aes-ctr 256 esp-sha256-hmac" \
	AES_GCM_16-256/PRF_HMAC_SHA2_256/$x25519 AES_CTR-256/HMAC_SHA2_256_128 \
	'enc rfc3686\(ctr\(aes\)\) 0x[0-9a-f]{72}$'
test_case "an anti-replay window of 1024 packets, then none" replay_windows
test_case "no common group: refused, and the reason shown" no_common_group
test_case "an identity that nobody told us is refused, both named" other_identity_is_refused
test_case "the identity of the keyring" identity_of_keyring
e2e_conf "10 2 periodic" "$peers"
test_case "COOKIE" cookie
flow_stop
test_case "the flow arrived through all of them" flow_more flow 50
test_case "case 30: nothing in clear, whatever was negotiated" nothing_in_clear
finish
