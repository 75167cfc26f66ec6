#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# check: by name: it needs libreswan and OpenIKED, unpacked below build/
#
# Our agent with gateways that others wrote: strongSwan, libreswan, OpenIKED,
# who calls whom, suites, families, a NAT before the branch.

. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$selftests_dir/lib_e2e.sh"
. "$selftests_dir/lib_hubs.sh"
module_need
agent_need

outside=172.20.0.1

# MAKE WHO-CALLS SUITE FAMILY PATH
cells=(
	"strongswan branch gcm    4 direct"
	"strongswan hub    cbc    6 direct"
	"strongswan branch chacha 4 nat"
	"libreswan  branch cbc    4 nat"
	"libreswan  hub    gcm    4 direct"
	"libreswan  branch chacha 6 direct"
	"openiked   branch cbc    4 direct"
)

set_of()
{
	case $1 in
	gcm)    echo "esp-gcm 128" ;;
	cbc)    echo "esp-aes 256 esp-sha256-hmac" ;;
	chacha) echo "esp-chacha20-poly1305" ;;
	esac
}

# What XFRM calls it.
xfrm_of()
{
	case $1 in
	gcm)    echo 'rfc4106(gcm(aes))' ;;
	cbc)    echo 'cbc(aes)' ;;
	chacha) echo 'rfc7539esp(chacha20,poly1305)' ;;
	esac
}

conf()
{
	local suite=$1 family=$2

	{
		cat <<-CONF
		crypto ikev2 keyring hubs
		 peer one
		  address $peer
		  pre-shared-key $psk
		crypto ikev2 dpd 10 2 periodic
		crypto ipsec transform-set ts $(set_of "$suite")
		CONF
		if [ "$family" = 4 ]; then
			echo "ip access-list extended tosite"
			echo " permit ip 192.168.1.0 0.0.0.255 192.168.2.0 0.0.0.255"
			echo "crypto map tohub 1 ipsec-isakmp"
		else
			echo "ipv6 access-list tosite"
			echo " permit ipv6 $lan_net6 $site_net6"
			echo "crypto map ipv6 tohub 1 ipsec-isakmp"
		fi
		cat <<-CONF
		 set peer $peer
		 set transform-set ts
		 match address tosite
		interface wan0
		 crypto map tohub
		CONF
	} >"$tmp/prefpeer.conf"
	agent_conf_mode
}

# The branch is known as $outside; its ports stay.
nat_before_branch()
{
	in_ns "$transit" nft -f - <<-NFT
	table ip natb {
		chain out {
			type filter hook postrouting priority 100;
			ip saddr $branch_addr udp sport 4500 udp checksum 0 ip saddr set $outside udp checksum set 0
			ip saddr $branch_addr ip saddr set $outside
		}
		chain back {
			type filter hook prerouting priority -200;
			ip daddr $outside udp dport 4500 udp checksum 0 ip daddr set $branch_addr udp checksum set 0
			ip daddr $outside ip daddr set $branch_addr
		}
	}
	NFT
}

sites_answer() { in_ns "$lan" ping -c 1 -W 1 "$1" >"$tmp/ping.log"; }

# both_ways ADDRESS: five of five answered
both_ways()
{
	in_ns "$lan" ping -c 5 -i 0.2 -W 1 "$1" >"$tmp/ping.log" && grep -q ' 5 received' "$tmp/ping.log" ||
		fail "not both ways: $(tail -n 2 "$tmp/ping.log")"
}

sas_with() { ip -n "$branch" xfrm state list | grep -cF "$1"; }

tunnel()
{
	local make=$1 who=$2 suite=$3 family=$4 path=$5 host=$site_host t

	t=$(now_ns)
	[ "$family" = 4 ] || host=$site_host6
	[ "$path" = direct ] || nat_before_branch || return
	hub_make "$make" 1 suite="$suite" family="$family" \
		role="$([ "$who" = hub ] && echo initiator || echo responder)" \
		branch="$([ "$path" = direct ] || echo any)" || return
	conf "$suite" "$family" && e2e_agent || return
	if [ "$who" = hub ]; then
		hub_call 1 "$family" || return
	else
		sites_answer "$host"
	fi
	state_await 60 UP "$peer" || fail "not up" || return
	expect "SAs with $(xfrm_of "$suite")" "sas_with '$(xfrm_of "$suite")'" 2 &&
		both_ways "$host" || return
	[ "$path" = direct ] || [ -n "$(ip -n "$branch" xfrm state list | grep 'encap type espinudp')" ] ||
		fail "no NAT was noticed" || return
	nothing_in_clear "$t" || return
	# Our DELETE is understood.
	agent_stop || return
	wait_for 30 hub_has_none || fail "the hub keeps SAs: $(ip -n "$hub1" xfrm state list)"
}

hub_has_none() { ! ip -n "$hub1" xfrm state list | grep -q "^src"; }

cell()
{
	local peer=$h1 status

	[ "$4" = 4 ] || peer=2001:db8:1::1
	tunnel "$@"
	status=$?
	[ $status = 0 ] || diag "$(tail -n 40 "$tmp/hub1.log")"
	[ -z "$agent_pid" ] || agent_gone || agent_stop
	eval "[ -z \"\$peer_pid_hub1\" ]" || peer_stop hub1
	[ "$5" = direct ] || in_ns "$transit" nft delete table ip natb
	ip -n "$hub1" xfrm state flush
	ip -n "$hub1" xfrm policy flush
	return $status
}

# cannot MAKE: prints why that gateway cannot, if it cannot. iked 7.2 as Debian has it
# drops AEAD from childsa without a word (iked -nv prints the policy without), and
# its PF_KEY refuses HMAC-SHA2 once the IKE_AUTH is answered.
cannot()
{
	[ "$1" != openiked ] || echo "OpenIKED 7.2 on Linux puts no SA with AEAD or SHA-2 into the kernel"
}

no_hub() { :; }
plan ${#cells[@]}
e2e_hub=no_hub
e2e_up 1 || { fail "no topology"; exit 1; }
for row in "${cells[@]}"; do
	read -r make who suite family path <<<"$row"
	why=$(cannot "$make")
	if [ -n "$why" ]; then
		skip "$make, $who calls, $suite, IPv$family, $path" "$why"
		continue
	fi
	test_case "$make, $who calls, $suite, IPv$family, $path" cell "$make" "$who" "$suite" "$family" "$path"
done
finish
