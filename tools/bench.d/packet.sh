#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Instructions per ESP packet, with the module and without, in one boot.

. "$(dirname "$(readlink -f "$0")")/../../selftests/lib_kmod.sh"
. "$(dirname "$(readlink -f "$0")")/lib.sh"

packets=5000 size=64 rounds=3

# tunnel REQID PORT ALGORITHM…: one SA each way at both hosts.
tunnel()
{
	local ns reqid=$1 port=$2

	for ns in "$a" "$b"; do
		ip -n "$ns" xfrm state add src $addr_a dst $addr_b proto esp spi $((0x1000 + reqid)) \
			reqid "$reqid" mode tunnel "${@:3}" &&
		ip -n "$ns" xfrm state add src $addr_b dst $addr_a proto esp spi $((0x2000 + reqid)) \
			reqid "$reqid" mode tunnel "${@:3}" || return
	done
	ip -n "$a" xfrm policy add dir out src $addr_a dst $addr_b proto udp dport "$port" \
		tmpl src $addr_a dst $addr_b proto esp reqid "$reqid" mode tunnel
	ip -n "$b" xfrm policy add dir in src $addr_a dst $addr_b proto udp dport "$port" \
		tmpl src $addr_a dst $addr_b proto esp reqid "$reqid" mode tunnel
}

# per_packet PORT: instructions of one packet, both ends, to $per_packet
per_packet()
{
	local ns got spi=$((0x1000 + $1 - 5000)) before

	before=$(sa_packets "$b" "$(printf %08x $spi)")
	read -r ns got < <(in_ns "$a" "$load" packets "$b" $addr_b "$1" $packets $size)
	[ "$got" = $packets ] || bench_die "$got packets of $packets arrived"
	[ $(($(sa_packets "$b" "$(printf %08x $spi)") - before)) -ge $packets ] ||
		bench_die "the packets did not go through the SA"
	per_packet=$(ratio "$ns" $packets 1)
}

with_module()
{
	insmod "$module_ko" || bench_die "no module"
	pp_a rule add remote $addr_b idle-time 60s >/dev/null &&
	pp_b rule add remote $addr_a idle-time 60s >/dev/null || bench_die "no rules"
	sleep 3
	[ "$(pp_a -j pair show | jq length)" = 2 ] || bench_die "the module does not have the pairs"
}

# compare NAME PORT: A/B/A/B; a first round is thrown away.
compare()
{
	local i without=() with=()

	per_packet "$2"
	for ((i = 0; i < rounds; i++)); do
		per_packet "$2"
		without+=("$per_packet")
		with_module
		per_packet "$2"
		with+=("$per_packet")
		rmmod prefpeer || bench_die "rmmod"
		sleep 1
	done
	row "ESP packet, $1: with module / without" \
		"$(ratio "$(median "${with[@]}")" "$(median "${without[@]}")" 5)" ratio \
		"$packets UDP packets of $size B through a veth, both ends, tunnel mode, 1 ns per instruction; median of $rounds, alternating in one boot; SAs tracked, idle-time 60 s" \
		"{\"with\": $(json_list "${with[@]}"), \"without\": $(json_list "${without[@]}")}"
	row "ESP packet, $1: instructions without" "$(median "${without[@]}")" instructions "the same run"
	row "ESP packet, $1: instructions with" "$(median "${with[@]}")" instructions "the same run"
}

kmod_hosts || bench_die "no hosts"
tunnel 1 5001 auth 'hmac(sha1)' $auth_key enc cipher_null '' &&
tunnel 2 5002 aead 'rfc4106(gcm(aes))' 0x0102030405060708090a0b0c0d0e0f1011121314 128 ||
	bench_die "no SAs"
compare "SHA-1 + null" 5001
compare "AES-GCM-128" 5002
