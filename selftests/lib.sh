#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Common ground of the prefpeer selftests, in the manner of net/lib.sh: KTAP,
# namespaces, waiting for conditions. Sources the parts for the topology
# (lib_topology.sh), JSON (lib_json.sh), strongSwan (lib_peers.sh), capture and traffic
# (lib_wire.sh), and our module and agent (lib_agent.sh).
#
# A test is a script that sources this file, states plan N, calls test_case N
# times, and ends with finish. It runs as root in a machine it may spoil.

ksft_pass=0 ksft_fail=1 ksft_skip=4

selftests_dir=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
top_dir=$(dirname "$selftests_dir")
build_dir=${PREFPEER_BUILD:-$top_dir/build}
test_name=$(basename "$0" .sh)
tmp=$(mktemp -d "/tmp/$test_name.XXXXXX") || exit $ksft_fail
# Files left here are seen on the host (tools/check keeps them with the log).
keep_dir=
[ ! -w /out ] || keep_dir=/out/$test_name

# not the first of the path, which may be a wrapper: it starts often
python=/usr/bin/python3
# kselftest's lib.mk builds them beside the tests.
helpers_dir=$build_dir/selftests
[ -x "$helpers_dir/udpflow" ] || helpers_dir=$selftests_dir
udpflow=$helpers_dir/udpflow
wire=$helpers_dir/wire

######## KTAP

ktap_n=0 ktap_failed=0 ktap_skipped=0 ktap_planned=

plan()
{
	ktap_planned=$1
	echo "KTAP version 1"
	echo "1..$1"
}

diag()
{
	local line

	while IFS= read -r line; do
		echo "# $line"
	done <<<"$*"
}

ok()
{
	ktap_n=$((ktap_n + 1))
	echo "ok $ktap_n $*"
}

not_ok()
{
	ktap_n=$((ktap_n + 1))
	ktap_failed=$((ktap_failed + 1))
	echo "not ok $ktap_n $*"
}

# skip DESCRIPTION REASON
skip()
{
	ktap_n=$((ktap_n + 1))
	ktap_skipped=$((ktap_skipped + 1))
	echo "ok $ktap_n $1 # SKIP $2"
}

skip_all()
{
	echo "KTAP version 1"
	echo "1..0 # SKIP $*"
	exit $ksft_skip
}

# fail TEXT: why the case in hand failed; use as: … || fail "…" || return
fail()
{
	diag "$*"
	return 1
}

# test_case DESCRIPTION COMMAND…: one result. On failure the state is shown.
test_case()
{
	local desc=$1

	shift
	if "$@"; then
		ok "$desc"
		return 0
	fi
	not_ok "$desc"
	show_state
	return 1
}

finish()
{
	if [ -n "$ktap_planned" ] && [ "$ktap_n" -lt "$ktap_planned" ]; then
		diag "planned $ktap_planned results, ran $ktap_n"
		exit $ksft_fail
	fi
	echo "# Totals: pass:$((ktap_n - ktap_failed - ktap_skipped)) fail:$ktap_failed xfail:0 xpass:0 skip:$ktap_skipped error:0"
	[ $ktap_failed -eq 0 ] || exit $ksft_fail
	[ $ktap_n -eq 0 ] || [ $ktap_skipped -lt $ktap_n ] || exit $ksft_skip
	exit $ksft_pass
}

######## Cleanup: in reverse order of registration

cleanups=()

on_exit()
{
	cleanups+=("$*")
}

run_cleanups()
{
	local status=$? i

	trap - EXIT
	for ((i = ${#cleanups[@]} - 1; i >= 0; i--)); do
		eval "${cleanups[i]}" >/dev/null 2>&1
	done
	if [ -n "$keep_dir" ]; then
		mkdir -p "$keep_dir" &&
			cp -r "$tmp"/*.pcap "$tmp"/*.log "$tmp"/*.conf "$keep_dir"/ 2>/dev/null
	fi
	rm -rf "$tmp"
	exit $status
}
trap run_cleanups EXIT

######## Time

# now_ns: CLOCK_BOOTTIME, what the module's stamps and the flows' are in.
now_ns()
{
	"$udpflow" now
}

# clock_offset_ns: CLOCK_REALTIME minus CLOCK_BOOTTIME, for the capture's times.
clock_offset_ns()
{
	local boottime realtime

	eval "$("$udpflow" clock)"
	echo $((realtime - boottime))
}

# seconds_ns NANOSECONDS: 1.234
seconds_ns()
{
	printf '%d.%03d' $(($1 / 1000000000)) $(($1 / 1000000 % 1000))
}

# uptime_cs: CLOCK_BOOTTIME in hundredths of a second, to $uptime_cs; without a
# process, since a loop that waits has to be cheap.
uptime_cs()
{
	read -r uptime_cs _ </proc/uptime
	uptime_cs=${uptime_cs/.}
}

# wait_for SECONDS COMMAND…: until COMMAND succeeds; 1 after SECONDS. It looks
# every 50 ms at first, then every 200 ms.
wait_for()
{
	local end pause=0.05 looks=0

	uptime_cs
	end=$((uptime_cs + $1 * 100))
	shift
	until "$@" >/dev/null 2>&1; do
		uptime_cs
		[ $uptime_cs -lt $end ] || return 1
		looks=$((looks + 1))
		[ $looks -lt 10 ] || pause=0.2
		sleep $pause
	done
}

# hold_for SECONDS COMMAND…: COMMAND succeeds all the time.
hold_for()
{
	local end

	uptime_cs
	end=$((uptime_cs + $1 * 100))
	shift
	while [ $uptime_cs -lt $end ]; do
		"$@" >/dev/null 2>&1 || return 1
		sleep 0.2
		uptime_cs
	done
}

######## Namespaces

ns_all=()

# setup_ns VAR…: a namespace of a unique name in each variable.
setup_ns()
{
	local var name

	for var in "$@"; do
		name=$var-$BASHPID$RANDOM
		ip netns add "$name" || return 1
		on_exit "ip netns del $name"
		ns_all+=("$name")
		printf -v "$var" %s "$name"
		ip -n "$name" link set lo up
		sysctl_ns "$name" net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
			net.ipv6.conf.default.router_solicitations=0 \
			net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
	done
}

in_ns()
{
	ip netns exec "$@"
}

sysctl_ns()
{
	local ns=$1

	shift
	in_ns "$ns" sysctl -qw "$@"
}

# in_memory FILE…: programs and their libraries come to the guest's memory now, as
# those of tools/vm/preload do at boot. Paged in from the host's disk while they
# run, each page would be a jump of virtual time.
in_memory()
{
	touch -h -c -a "$@" $(ldd "$@" 2>/dev/null | awk '/=> \// { print $3 }' | sort -u | xargs -r realpath)
}

# bg LOG COMMAND…: in the background until the test ends; its pid in $bg_pid.
bg()
{
	local log=$1

	shift
	"$@" >"$log" 2>&1 </dev/null &
	bg_pid=$!
	on_exit "kill $bg_pid"
}

######## What is in the SAD

# sa_spis NS SRC DST: the SPIs of the SAs between two addresses, larvals apart.
sa_spis()
{
	ip -n "$1" xfrm state list src "$2" dst "$3" |
		awk '$1 == "proto" && $2 ~ /^(esp|ah)$/ && $4 != "0x00000000" { print substr($4, 3) }'
}

sa_up()
{
	[ -n "$(sa_spis "$1" "$2" "$3")" ] && [ -n "$(sa_spis "$1" "$3" "$2")" ]
}

sa_none()
{
	[ -z "$(sa_spis "$1" "$2" "$3")" ] && [ -z "$(sa_spis "$1" "$3" "$2")" ]
}

# sa_packets NS SPI: packets that went through one SA.
sa_packets()
{
	ip -n "$1" -s xfrm state list spi "0x$2" |
		awk '/lifetime current:/ { getline; gsub(/[^0-9 ]/, " "); print $2; exit }'
}

# Overridden or extended by the parts; shown when a case fails.
show_state()
{
	local ns

	for ns in "${ns_all[@]}"; do
		case $ns in
		branch-*)
			diag "$ns SAD:"
			diag "$(ip -n "$ns" -s xfrm state | grep -vE 'enc|auth|aead')"
			diag "$ns SPD:"
			diag "$(ip -n "$ns" xfrm policy)"
			diag "$(in_ns "$ns" awk '$2' /proc/net/xfrm_stat)" ;;
		esac
	done
	show_agent
	show_peers
}

[ -n "$PREFPEER_VM" ] || skip_all "needs a machine of its own: tools/check $test_name"
[ "$(id -u)" = 0 ] || skip_all "needs root"
[ -x "$udpflow" ] && [ -x "$wire" ] || skip_all "not built: make -C selftests"

. "$selftests_dir/lib_json.sh"
. "$selftests_dir/lib_topology.sh"
. "$selftests_dir/lib_wire.sh"
. "$selftests_dir/lib_peers.sh"
. "$selftests_dir/lib_agent.sh"
