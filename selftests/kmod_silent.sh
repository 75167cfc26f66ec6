#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What changes the SAD without telling anyone (the core's own list, by path): an SA
# that is migrated, a namespace that ends, SAs that others bring
# along. And every kind of SA that there is. xfrm6_tunnel's unload is in
# kmod_sa, a device that goes in kmod_offload.

. "$(dirname "$(readlink -f "$0")")/lib_kmod.sh"

plan 7

addr_moved=10.0.0.9

setup()
{
	kmod_hosts && module_load && watch
}

# sas_show NS FIELDS FILTER…: a line per SA, sorted, on one line
sas_show()
{
	field_of "$1" "$2" sa show "${@:3}" | sort | tr '\n' ' ' | sed 's/ $//'
}

sas_show_is() { [ "$(sas_show "$a" "${@:2}")" = "$1" ]; }
sas_are_so_many() { [ "$(sas_show "$a" 'o["sa_id"]' "${@:2}" | wc -w)" = "$1" ]; }

# tunnel_sa SRC DST SPI REQID MORE…: in a
tunnel_sa()
{
	ip -n "$a" xfrm state add src "$1" dst "$2" proto esp spi "$3" reqid "$4" mode tunnel \
		auth 'hmac(sha1)' $auth_key enc cipher_null '' "${@:5}"
}

# The clone is found and the original is gone, within what a look at once takes.
migrated()
{
	local at

	tunnel_sa $addr_a $addr_b 0x3001 31 &&
	ip -n "$a" xfrm policy add dir out src 192.0.2.1 dst 192.0.2.2 \
		tmpl src $addr_a dst $addr_b proto esp reqid 31 mode tunnel || return
	wait_for 5 sas_show_is $addr_b 'o["dst"]' reqid 31
	at=$(in_ns "$a" $python "$selftests_dir/xfrm_migrate.py" out 192.0.2.1 192.0.2.2 31 \
		$addr_a $addr_b $addr_a $addr_moved) || return
	wait_for 10 sas_show_is $addr_moved 'o["dst"]' reqid 31
	expect "where the SA leads" "$(sas_show "$a" 'o["dst"], o["spi"]' reqid 31)" \
		"('$addr_moved', '0x00003001')" &&
	expect "of the original" "$(events_line "e.event == 'sa-gone' and e.spi == '0x00003001'" dst reason)" \
		"$addr_b vanished" &&
	between "noticed after" $(($(events "e.event == 'sa-gone' and e.spi == '0x00003001'" stamp_ns) - at)) \
		0 2000000000
}

######## A namespace ends while its SAs do

lifetimes_run_out_in_a_dead_namespace()
{
	local i n=dying-$$ before after

	before=$(field_of "$a" 'o["memory"]' stats)
	for i in 1 2 3 4 5 6 7 8; do
		ip netns add "$n" || return
		for spi in 1 2 3 4; do
			sa_add "$n" $addr_a $addr_b $((0x100 + spi)) $spi limit time-hard 1 || return
		done
		in_ns "$n" "$prefpeer" rule add remote 10.0.0.0/8 idle-time 100ms >/dev/null || return
		# some end before the namespace does, some with it
		sleep 0.$((i * 25 + 75))
		ip netns del "$n"
	done
	sleep 3
	after=$(field_of "$a" 'o["memory"]' stats)
	expect "memory of what stays" "$after" "$before"
}

######## Every kind

beet_and_transport()
{
	ip -n "$a" xfrm state add src $addr_a dst $addr_b proto esp spi 0x4001 reqid 41 mode beet \
		sel src 192.0.2.1 dst 192.0.2.2 auth 'hmac(sha1)' $auth_key enc cipher_null '' || return
	tunnel_sa $addr_a $addr_b 0x4002 41 && sa_add "$a" $addr_a $addr_b 0x4003 41 || return
	wait_for 5 sas_are_so_many 3 reqid 41
	expect "modes" "$(sas_show "$a" 'o["mode"]' reqid 41)" "beet transport tunnel"
}

marks_and_interfaces()
{
	sa_add "$a" $addr_a $addr_b 0x4011 42 mark 0x10 mask 0xff &&
	sa_add "$a" $addr_a $addr_b 0x4011 42 mark 0x20 mask 0xff &&
	sa_add "$a" $addr_a $addr_b 0x4012 42 if_id 7 || return
	wait_for 5 sas_are_so_many 3 reqid 42
	expect "SAs of one SPI, told apart by their marks" "$(sas_show "$a" 'o["mark"]' spi 0x4011)" \
		"16 32" || return
	expect "of the interface" "$(sas_show "$a" 'o["if_id"]' spi 0x4012)" 7
}

# IPcomp, and the IPIP state that the core adds for it in tunnel mode and takes
# away again, are not AH or ESP; their coming and going sets no rescan off for ever.
ipcomp_in_tunnel_mode()
{
	local before

	modprobe -q ipcomp
	ip -n "$a" xfrm state add src $addr_a dst $addr_b proto comp spi 0x51 reqid 51 mode tunnel \
		comp deflate 2>/dev/null || return 77
	tunnel_sa $addr_a $addr_b 0x5001 51 || return
	wait_for 5 sas_show_is esp 'o["proto"]' reqid 51
	expect "SAs of that reqid" "$(sas_show "$a" 'o["proto"]' reqid 51)" esp || return
	# the count that differs is looked into, once; then it is known why
	sleep 40
	before=$(field_of "$a" 'o["rescans"]' stats)
	sleep 1500
	expect "walks of the SAD in 25 minutes in which nothing changed" \
		"$(field_of "$a" 'o["rescans"]' stats)" "$before"
}

# Whoever makes a namespace of its own may add SAs there, and those are counted.
unprivileged_namespace_is_limited()
{
	local batch=$tmp/many n

	for n in $(seq 1 60); do
		printf 'xfrm state add src 10.9.0.1 dst 10.9.0.2 proto esp spi 0x%x reqid %d mode transport auth hmac(sha1) %s enc cipher_null ""\n' \
			$((0x9000 + n)) "$n" $auth_key
	done >"$batch"
	chmod a+rx "$tmp" && chmod a+r "$batch"
	echo 50 >/sys/module/prefpeer/parameters/max_sas
	setpriv --reuid 65534 --regid 65534 --clear-groups unshare -Urn sh -c '
		ip -force -batch "$1"; n=0
		until "$2" -j stats | grep -q "\"untracked\":10" || [ $n = 50 ]; do n=$((n + 1)); sleep 0.1; done
		"$2" -j stats && "$2" -j rule add remote 10.0.0.0/8 idle-time 100ms &&
		sleep 5 && "$2" -j pair show' sh "$batch" "$prefpeer" >"$tmp/unpriv.log" 2>&1
	echo 0 >/sys/module/prefpeer/parameters/max_sas
	expect "SAs and those left out" \
		"$(json_ask objects 'o["sas"], o["untracked"]' "$(sed -n 1p "$tmp/unpriv.log")")" "(50, 10)" ||
		fail "$(head -n 5 "$tmp/unpriv.log")"
}

# 77: this kernel has no such thing
may_skip()
{
	"$2"
	case $? in
	0) ok "$1" ;;
	77) skip "$1" "not on this kernel" ;;
	*) not_ok "$1"; show_state ;;
	esac
}

test_case "hosts, module and monitor" setup || { finish; exit; }
may_skip "a migrated SA is found anew, its original is gone" migrated
test_case "a namespace dies while lifetimes run out in it" lifetimes_run_out_in_a_dead_namespace
test_case "BEET, tunnel and transport are one pair" beet_and_transport
test_case "marks and interfaces tell SAs apart" marks_and_interfaces
may_skip "IPcomp in tunnel mode is not tracked, and wakes nobody" ipcomp_in_tunnel_mode
test_case "limits hold in a namespace that is not root's" unprivileged_namespace_is_limited
finish
