# SPDX-License-Identifier: GPL-2.0
#
# Two hosts with SAs of `ip xfrm`, for the tests of the module alone.
#
#   a 10.0.0.1 fd00::1 ────── 10.0.0.2 fd00::2 b
#
# Pair R is: reqid R, transport mode ESP for UDP to port 5000 + R, SPIs
# 0x1000 + R from a to b and 0x2000 + R back. Packets of one pair therefore
# touch the counters of that pair alone.

# shellcheck source=lib.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib.sh"

addr_a=10.0.0.1 addr_b=10.0.0.2
addr6_a=fd00::1 addr6_b=fd00::2
auth_key=0x0102030405060708090a0b0c0d0e0f1011121314

[ -x "$prefpeer" ] || skip_all "no command line: make userspace"
module_need

# 6.12 keeps lastused for every packet, 6.1 does not.
case $(uname -r) in
6.1.*) has_lastused= ;;
*) has_lastused=yes ;;
esac

kmod_hosts()
{
	setup_ns a b || return
	ip link add va netns "$a" type veth peer name vb netns "$b" || return
	ip -n "$a" addr add $addr_a/24 dev va
	ip -n "$b" addr add $addr_b/24 dev vb
	ip -n "$a" addr add $addr6_a/64 dev va nodad
	ip -n "$b" addr add $addr6_b/64 dev vb nodad
	ip -n "$a" link set va up && ip -n "$b" link set vb up || return
	kmod_neigh "$a" va "$(cat_mac "$b" vb)" $addr_b $addr6_b
	kmod_neigh "$b" vb "$(cat_mac "$a" va)" $addr_a $addr6_a
}

cat_mac()
{
	in_ns "$1" cat "/sys/class/net/$2/address"
}

# Static, so that no resolution delays the first packet of a test.
kmod_neigh()
{
	ip -n "$1" neigh replace "$4" lladdr "$3" dev "$2" nud permanent
	ip -n "$1" neigh replace "$5" lladdr "$3" dev "$2" nud permanent
}

pp_a() { in_ns "$a" "$prefpeer" "$@"; }
pp_b() { in_ns "$b" "$prefpeer" "$@"; }

# sa_add NS SRC DST SPI REQID [MORE…]
sa_add()
{
	ip -n "$1" xfrm state add src "$2" dst "$3" proto esp spi "$4" reqid "$5" \
		mode transport auth 'hmac(sha1)' $auth_key enc cipher_null '' "${@:6}"
}

# sa_del NS SRC DST SPI
sa_del()
{
	ip -n "$1" xfrm state delete src "$2" dst "$3" proto esp spi "$4"
}

# pair_sas R [GENERATION [MORE…]]: SAs of pair R at both hosts; another
# generation has other SPIs, as after a rekey.
pair_sas()
{
	local r=$1 g=$((${2:-0} * 0x10000)) ns

	for ns in "$a" "$b"; do
		sa_add "$ns" $addr_a $addr_b $((0x1000 + r + g)) "$r" "${@:3}" &&
		sa_add "$ns" $addr_b $addr_a $((0x2000 + r + g)) "$r" "${@:3}" || return
	done
}

# pair_sas_del R [GENERATION]
pair_sas_del()
{
	local r=$1 g=$((${2:-0} * 0x10000)) ns

	for ns in "$a" "$b"; do
		sa_del "$ns" $addr_a $addr_b $((0x1000 + r + g)) &&
		sa_del "$ns" $addr_b $addr_a $((0x2000 + r + g)) || return
	done
}

# pair_policy R: at both hosts, outbound
pair_policy()
{
	local r=$1 port=$((5000 + $1))

	ip -n "$a" xfrm policy add dir out src $addr_a dst $addr_b proto udp dport $port \
		tmpl src $addr_a dst $addr_b proto esp reqid "$r" mode transport &&
	ip -n "$b" xfrm policy add dir out src $addr_b dst $addr_a proto udp dport $port \
		tmpl src $addr_b dst $addr_a proto esp reqid "$r" mode transport
}

# pair_add R: SAs and policies
pair_add()
{
	pair_sas "$1" && pair_policy "$1"
}

# outbound R, inbound R: one packet through pair R, seen from a; when, in $sent_ns
outbound()
{
	local first last sent refused answers

	eval "$(in_ns "$a" "$udpflow" send $addr_b $((5000 + $1)) 1000 1 2>/dev/null)"
	sent_ns=$first
}

inbound()
{
	local first last sent refused answers

	eval "$(in_ns "$b" "$udpflow" send $addr_a $((5000 + $1)) 1000 1 2>/dev/null)"
	sent_ns=$first
}

# watch [NS [NAME]]: events of a namespace to $tmp/NAME.log, from now on. An
# event that comes at once shows that the subscription stands.
watch()
{
	local ns=${1:-$a} log=$tmp/${2:-events}.log

	bg "$log" ip netns exec "$ns" "$prefpeer" -j monitor sa pair peer rule
	watch_pid=$bg_pid
	wait_for 10 watch_stands "$ns" "$log" || fail "the monitor hears nothing"
}

watch_stands()
{
	in_ns "$1" "$prefpeer" rule add remote 192.0.2.1/32 map watch &&
	in_ns "$1" "$prefpeer" rule del remote 192.0.2.1/32
	grep -q rule-del "$2"
}

# events PYTHON_CONDITION [FIELD…]: of $tmp/events.log, one line per event; in
# the condition e is the event, and e.x its field x, None if absent.
events()
{
	events_of events "$@"
}

events_of()
{
	json_ask events "$tmp/$1.log" "${@:2}"
}

# event_count PYTHON_CONDITION
event_count()
{
	events "$1" | wc -l
}

# expect_events WHAT WANTED PYTHON_CONDITION [FIELD…]: the same, on one line, for
# events that may still be on their way through the monitor
expect_events()
{
	wait_for 5 events_are "$2" "${@:3}"
	expect "$1" "$(events_line "${@:3}")" "$2"
}

events_line() { events "$@" | tr '\n' ' ' | sed 's/ $//'; }
events_are() { [ "$(events_line "${@:2}")" = "$1" ]; }

# field_of NS PYTHON OBJECT show FILTER…: a line for each object o of the list l
field_of()
{
	local text

	text=$(in_ns "$1" "$prefpeer" -j "${@:3}") && json_ask objects "$2" "$text"
}

# rule_id REQID: in a
rule_id()
{
	field_of "$a" "o['rule_id'] if o.get('reqid') == $1 else ''" rule show | grep .
}

# expect WHAT GOT WANTED
expect()
{
	[ "$2" = "$3" ] || fail "$1: got '$2', wanted '$3'"
}

# between WHAT VALUE LOW HIGH: ns
between()
{
	[ "$2" -ge "$3" ] && [ "$2" -le "$4" ] ||
		fail "$1: $(seconds_ns "$2") s is not in $(seconds_ns "$3")..$(seconds_ns "$4")"
}

# lateness MS: how late a verdict may be at most for a timeout, ns: the bounds
# of kernel.md §3.1, and a little for the worker to run.
lateness()
{
	local t=$1 p ms

	if [ "$t" -lt 1000 ]; then
		p=$((t / 5))
		[ $p -ge 10 ] || p=10
		[ $p -le 200 ] || p=200
		ms=$((p + 20))
	elif [ -n "$has_lastused" ] && [ "$t" -ge 2000 ]; then
		ms=$((1000 + 500))
	else
		p=$((t / 8))
		[ $p -ge 1000 ] || p=1000
		[ $p -le 300000 ] || p=300000
		ms=$((p + 500))
	fi
	echo $(((ms + 30) * 1000000))
}

show_state()
{
	local ns

	diag "$(dmesg | tail -n 3)"
	for ns in "$a" "$b"; do
		diag "$(in_ns "$ns" "$prefpeer" sa show 2>&1 | head -n 20)"
		diag "$(in_ns "$ns" "$prefpeer" pair show 2>&1 | head -n 20)"
		diag "$(in_ns "$ns" "$prefpeer" peer show 2>&1 | head -n 20)"
		diag "$(in_ns "$ns" "$prefpeer" rule show 2>&1 | head -n 20)"
	done
	diag "$(tail -n 15 "$tmp/events.log" 2>/dev/null)"
}
