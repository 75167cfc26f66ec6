#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel: 6.12
#
# Our agent with gateways that others wrote: strongSwan, libreswan, OpenIKED. Each
# cell of the matrix (tools/interop-cells) is a tunnel of its own: who calls, how
# both prove who they are, suite, family, a NAT before the branch or not, who
# rekeys, who asks whether the other is alive. Times are the real ones: lifetimes
# of an hour, DPD of 10 s.
#
# $INTEROP_CELLS: a file of other cells than those in which all pairs meet.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
. "$selftests_dir/lib_pki.sh"
. "$selftests_dir/lib_hubs.sh"
module_need
agent_need

# The branch as seen behind the NAT.
outside4=172.20.0.1 outside6=2001:db8:20::1

# The cell in hand, its columns and what follows from them.
make= who= auth= suite= family= path= rekey= dpd=
us= seen= peer= host= lan_end= stream_before=

cell_addresses()
{
	if [ "$family" = 4 ]; then
		us=$branch_addr peer=$h1 host=$site_host lan_end=$lan_host seen=$outside4
	else
		us=$branch_addr6 peer=$(hub_addr6 1) host=$site_host6 lan_end=$lan_host6 seen=$outside6
	fi
	[ "$path" = nat ] || seen=$us
}

######## Both ends' configuration

set_of()
{
	case $1 in
	gcm)    echo "esp-gcm 128" ;;
	cbc)    echo "esp-aes 256 esp-sha256-hmac" ;;
	chacha) echo "esp-chacha20-poly1305" ;;
	esac
}

# What XFRM calls it, and we in JSON for the IKE SA.
xfrm_of()
{
	case $1 in
	gcm)    echo 'rfc4106(gcm(aes))' ;;
	cbc)    echo 'cbc(aes)' ;;
	chacha) echo 'rfc7539esp(chacha20,poly1305)' ;;
	esac
}

ike_of()
{
	case $1 in
	gcm)    echo aes-gcm-16-128 ;;
	cbc)    echo aes-cbc-256 ;;
	chacha) echo chacha20-poly1305 ;;
	esac
}

method_of()
{
	case $1 in
	psk)     echo pre-share ;;
	rsa)     echo rsa-sig ;;
	ecdsa)   echo ecdsa-sig ;;
	ed25519) echo eddsa-sig ;;
	esac
}

# What the hub writes of the proof that it took from us.
proof_of()
{
	case $make-$auth in
	strongswan-psk)     echo "authentication of .* with pre-shared key successful" ;;
	strongswan-rsa)     echo "authentication of 'branch.example' with RSA_EMSA_PSS_SHA2.* successful" ;;
	strongswan-ecdsa)   echo "authentication of 'branch.example' with ECDSA_WITH_SHA256_DER successful" ;;
	strongswan-ed25519) echo "authentication of 'branch.example' with ED25519 successful" ;;
	libreswan-psk)      echo "authenticated .*(authby=secret|using PSK)" ;;
	libreswan-rsa)      echo "authenticated .*RSASSA-PSS with SHA2" ;;
	libreswan-ecdsa)    echo "authenticated .*ECDSA with SHA2" ;;
	openiked-*)         echo "ikev2_msg_authverify: authentication successful" ;;
	esac
}

conf_auth()
{
	if [ "$auth" = psk ]; then
		cat <<-CONF
		crypto ikev2 keyring hubs
		 peer one
		  address $peer
		  pre-shared-key $psk
		CONF
		return
	fi
	cat <<-CONF
	crypto pki trustpoint CORP
	 ca file $pki/root.pem
	 certificate file $pki/branch.chain
	 key file $pki/branch.key
	crypto ikev2 profile CERT
	 match identity remote fqdn hub1.example
	 identity local fqdn branch.example
	 authentication local $(method_of "$auth")
	 authentication remote $(method_of "$auth")
	 pki trustpoint CORP
	CONF
}

# The end that shall not rekey has a day.
conf_map()
{
	if [ "$family" = 4 ]; then
		echo "ip access-list extended tosite"
		echo " permit ip $lan_net_ios $site_net_ios"
		echo "crypto map tohub 1 ipsec-isakmp"
	else
		echo "ipv6 access-list tosite"
		echo " permit ipv6 $lan_net6 $site_net6"
		echo "crypto map ipv6 tohub 1 ipsec-isakmp"
	fi
	echo " set peer $peer"
	[ "$auth" = psk ] || echo " set ikev2-profile CERT"
	echo " set security-association lifetime seconds $([ "$rekey" = us ] && echo 3600 || echo 86400)"
	echo " set transform-set ts"
	echo " match address tosite"
}

lan_net_ios="192.168.1.0 0.0.0.255" site_net_ios="192.168.2.0 0.0.0.255"

branch_conf()
{
	{
		conf_auth
		[ "$dpd" = them ] || echo "crypto ikev2 dpd 10 2 periodic"
		echo "crypto ipsec transform-set ts $(set_of "$([ "$rekey" = none ] && echo cbc || echo "$suite")")"
		conf_map
		echo "interface wan0"
		echo " crypto map tohub"
	} >"$tmp/prefpeer.conf"
	[ "$auth" = psk ] || {
		cat "$pki/branch-$auth.pem" "$pki/mid.pem" >"$pki/branch.chain"
		install -m 0600 "$pki/branch-$auth.key" "$pki/branch.key"
	} || return
	agent_conf_mode
}

# An hour where the hub is to rekey. libreswan rekeys nothing where it may not.
hub_lifetime()
{
	case $rekey in
	us|none) echo 0 ;;
	them) echo 3600 ;;
	both) echo 40000 ;;
	esac
}

hub_up()
{
	hub_make "$make" 1 auth="$auth" suite="$suite" family="$family" branch="$seen" \
		role="$([ "$who" = hub ] && echo initiator || echo responder)" \
		rekey="$(hub_lifetime)" \
		dpd="$([ "$dpd" = them ] && echo 10 || echo 0)"
}

######## The NAT: one address for the branch, its ports stay

nat_up()
{
	[ "$path" = nat ] || return 0
	if [ "$family" = 4 ]; then
		# The kernel sends ESP in UDP without a checksum, which must stay so.
		in_ns "$transit" nft -f - <<-NFT
		table ip cellnat {
			chain out {
				type filter hook postrouting priority 100;
				ip saddr $us udp sport 4500 udp checksum 0 ip saddr set $seen udp checksum set 0
				ip saddr $us ip saddr set $seen
			}
			chain back {
				type filter hook prerouting priority -200;
				ip daddr $seen udp dport 4500 udp checksum 0 ip daddr set $us udp checksum set 0
				ip daddr $seen ip daddr set $us
			}
		}
		NFT
	else
		in_ns "$transit" nft -f - <<-NFT
		table ip6 cellnat {
			chain out {
				type filter hook postrouting priority 100;
				ip6 saddr $us ip6 saddr set $seen
			}
			chain back {
				type filter hook prerouting priority -200;
				ip6 daddr $seen ip6 daddr set $us
			}
		}
		NFT
	fi
}

nat_down()
{
	in_ns "$transit" nft delete table ip cellnat 2>/dev/null
	in_ns "$transit" nft delete table ip6 cellnat 2>/dev/null
	:
}

######## What is asked of every cell

both_ways()
{
	in_ns "$lan" ping -c 5 -i 0.2 -W 1 "$host" >"$tmp/ping.log" && grep -q ' 5 received' "$tmp/ping.log" ||
		fail "not both ways: $(tail -n 2 "$tmp/ping.log")"
}

sas_with() { ip -n "$branch" xfrm state list | grep -cF "$1"; }

# agreed: suite and proof are those that were asked for, by the kernel, by us and by
# the hub; so is who called; and a NAT is noticed where there is one, only there.
agreed()
{
	local n

	n=$(pair_spis | wc -w)
	[ "$n" -ge 2 ] || fail "no pair" || return
	expect "SAs with $(xfrm_of "$suite")" "sas_with '$(xfrm_of "$suite")'" $n || return
	expect "SAs in UDP" "sas_with 'encap type espinudp'" "$([ "$path" = nat ] && echo $n || echo 0)" || return
	ike_agreed
}

ike_agreed()
{
	local json

	json=$(pp -j session show) || return
	json_is "o.encr == '$(ike_of "$suite")' and o.initiator == $([ "$who" = branch ] && echo True || echo False) and
		o.nat_local == $([ "$path" = nat ] && echo True || echo False)" "$json" ||
		fail "not this IKE SA: $json" || return
	grep -qE "$(proof_of)" "$tmp/hub1.log" || fail "the hub does not say: $(proof_of)"
}

came_up()
{
	if [ "$who" = hub ]; then
		hub_call 1 "$family" || return
	else
		in_ns "$lan" ping -c 1 -W 1 "$host" >/dev/null
	fi
	state_await 60 UP "$peer" || fail "not up"
}

# may_keep: inbound SAs beyond the pair. When both ends rekey at once, who made the
# redundant one closes it (RFC 7296 §2.8.1); if that is libreswan 4.10, it keeps it, and
# sends by it.
may_keep() { if [ "$make-$rekey" = libreswan-both ]; then echo 1; else echo 0; fi; }

pair_spis() { echo "$(sa_spis "$branch" "$us" "$peer") $(sa_spis "$branch" "$peer" "$us")"; }

# Nothing of the old pair, and the new one.
is_new_pair()
{
	local now spi

	now=$(pair_spis)
	for spi in $spis_before; do
		[[ $now != *$spi* ]] || return 1
	done
	set -- $now
	[ $# -ge 2 ] && [ $# -le $((2 + $(may_keep))) ]
}

# All cells share the listeners: what came before is not this cell's.
streams()
{
	stream_from=$(now_ns) stream_before=$(flow_received there$family)
	flow_start there$family "$1" 0 "$host" && there_pid=$flow_pid &&
	flow_start_site back$family "$1" 0 "$lan_end" && back_pid=$flow_pid
}

streamed() { flow_more there$family $((stream_before + $1)); }

# none_lost MIN: neither way, of at least so many
none_lost()
{
	local name

	flow_stop "$there_pid"
	flow_stop "$back_pid"
	for name in there$family back$family; do
		flow_report $name "$stream_from"
		[ "$received" -ge "$1" ] || fail "$name: only $received packets" || return
		[ "$lost" -eq 0 ] || fail "$name: $lost of $((received + lost)) packets lost" || return
	done
}

# asked SRC DST EXCHANGE FROM_NS: requests
asked() { wire_count " ike $1 $2 .*exch=$3 .*resp=0 " "$4"; }

# 400 ms of round trip: whoever is second has not heard of the first.
both_now()
{
	hub_delay 1 400 &&
	in_ns "$branch" "$selftests_dir/xfrm_expire.py" "$peer" "$(sa_spis "$branch" "$us" "$peer")" &&
	hub_rekey 1 "$family"
}

# An hour and what chance and margins add; libreswan's 3960 s less 60 s are the latest.
rekeyed_in_time() { streams 2000000 && sleep 4000 && none_lost 1900; }
rekeyed_by_both()
{
	streams 10000 && wait_for 30 streamed 50 && both_now &&
		wait_for 60 is_new_pair || fail "not one new pair: $(pair_spis), before: $spis_before" || return
	wait_for 60 streamed 900 && none_lost 800 && hub_delay_off 1
}

rekeyed()
{
	local t ours theirs

	spis_before=$(pair_spis)
	t=$(now_ns)
	if [ "$rekey" = both ]; then rekeyed_by_both; else rekeyed_in_time; fi || return
	wait_for 30 is_new_pair || fail "not one new pair: $(pair_spis), before: $spis_before" || return
	capture_sync
	ours=$(asked "$us" "$peer" CREATE_CHILD_SA "$t") theirs=$(asked "$peer" "$us" CREATE_CHILD_SA "$t")
	case $rekey in
	us)   [ "$ours" -ge 1 ] && [ "$theirs" = 0 ] ;;
	them) [ "$ours" = 0 ] && [ "$theirs" -ge 1 ] ;;
	both) [ "$ours" -ge 1 ] && [ "$theirs" -ge 1 ] ;;
	esac || fail "rekeys: $ours by us, $theirs by the hub"
}

# answered FROM TO SINCE: of the INFORMATIONAL requests of FROM, one has its answer
answered()
{
	capture_sync && wire_log "$3" | awk -v from="$1" -v to="$2" '
		!/ exch=INFORMATIONAL / { next }
		{ match($0, / mid=[0-9]+/); m = substr($0, RSTART, RLENGTH) }
		$3 == from && $4 == to && / resp=0 / { asked[m] = 1 }
		$3 == to && $4 == from && / resp=1 / && asked[m] { yes = 1 }
		END { exit !yes }'
}

# In a silence, since no one asks who hears.
alive()
{
	local from=$us to=$peer t

	[ "$dpd" = us ] || from=$peer to=$us
	t=$(now_ns)
	sleep 25
	answered "$from" "$to" "$t" || fail "no DPD from $from answered: $(wire_log "$t" | grep ' ike ')"
}

hub_has_none() { ! ip -n "$hub1" xfrm state list | grep -q "^src"; }

tunnel()
{
	local t

	t=$(now_ns)
	nat_up && hub_up && branch_conf && e2e_agent --debug-export-ike-keys "$tmp/keys.log" &&
	came_up && agreed && both_ways &&
	rekeyed && both_ways && agreed && alive && nothing_in_clear "$t" || return
	# Our DELETE is understood.
	agent_stop || return
	wait_for 30 hub_has_none || fail "the hub keeps SAs: $(ip -n "$hub1" xfrm state list)"
}

delete_answered() { tail -n "+$(($1 + 1))" "$tmp/agent.log" | grep -q 'CLOSING -> ZOMBIE: the peer answered DELETE'; }

# Where the gateway has no SA in its kernel for what it agreed to. OpenIKED that called
# keeps the IKE SA nevertheless; called, it forgets it as soon as both have proved who
# they are, and we notice.
ike_only()
{
	local lines=0

	[ ! -e "$tmp/agent.log" ] || lines=$(wc -l <"$tmp/agent.log")
	nat_up && hub_up && branch_conf && e2e_agent --debug-export-ike-keys "$tmp/keys.log" &&
	came_up && ike_agreed || return
	if [ "$who" = hub ]; then
		alive && agent_stop || return
		delete_answered "$lines" || fail "our DELETE is not answered"
	else
		state_await 60 DOWN "$peer" || fail "still up with a hub that has forgotten us" || return
		agent_stop
	fi
}

cell()
{
	local status pid

	cell_addresses
	if [ "$rekey" = none ]; then ike_only; else tunnel; fi
	status=$?
	[ $status = 0 ] || diag "$(tail -n 40 "$tmp/hub1.log")"
	flow_stop "$there_pid"
	flow_stop "$back_pid"
	[ -z "$agent_pid" ] || agent_gone || agent_stop
	pid=${peer_pid_hub1:-}
	[ -z "$pid" ] || [ ! -d "/proc/$pid" ] || peer_stop hub1
	hub_delay_off 1 2>/dev/null
	nat_down
	ip -n "$hub1" xfrm state flush
	ip -n "$hub1" xfrm policy flush
	rm -rf "$tmp/hub1"
	return $status
}

######## All cells

keys_make()
{
	local kind

	pki_root || return
	for kind in rsa ecdsa ed25519; do
		pki_issue "branch-$kind" "${kind/ecdsa/p256}" DNS:branch.example &&
		pki_issue "hub1-$kind" "${kind/ecdsa/p256}" DNS:hub1.example || return
	done
}

no_hub() { :; }

listeners()
{
	flow_listen there4 $site_host && flow_listen_lan back4 $lan_host &&
	flow_listen there6 $site_host6 && flow_listen_lan back6 $lan_host6
}

cells_list() { if [ -n "$INTEROP_CELLS" ]; then cat "$INTEROP_CELLS"; else "$top_dir/tools/interop-cells" pairs; fi; }

mapfile -t rows < <(cells_list)
plan ${#rows[@]}
e2e_hub=no_hub
e2e_up 1 && listeners && keys_make || { fail "no topology, or no keys: $(tail -n 3 "$tmp/openssl.log")"; exit 1; }
for row in "${rows[@]}"; do
	read -r make who auth suite family path rekey dpd <<<"${row%%|*}"
	what="$make, $who calls, $auth, $suite, IPv$family, $path, rekey by $rekey, DPD by $dpd"
	[ "$rekey" != none ] || what="IKE alone: ${what%, rekey by*}"
	why=${row#*| }
	if [ -n "$why" ]; then
		skip "$what" "$why"
	else
		test_case "$what" cell
	fi
done
finish
