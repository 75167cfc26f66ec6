#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Instructions per IKE_SA and CHILD_SA, of each end: prefpeerd calls charon, charon
# calls charon, charon calls prefpeerd. With a pre-shared key and with ECDSA, always
# the same suites, each raised by a packet.

. "$(dirname "$(readlink -f "$0")")/../../selftests/lib.sh"
. "$selftests_dir/lib_e2e.sh"
. "$(dirname "$(readlink -f "$0")")/lib.sh"

warm_ups=3 runs=11
suites=aes128gcm16-prfsha256-x25519
pki=$tmp/pki

######## Certificates: a root, and one of P-256 for each end

pki_issue()
{
	openssl ecparam -name prime256v1 -genkey -noout -out "$pki/$1.key" &&
	openssl req -new -key "$pki/$1.key" -subj "/O=Example/CN=$1" -out "$pki/$1.csr" &&
	printf 'subjectAltName=DNS:%s.example\nkeyUsage=digitalSignature\n' "$1" >"$pki/$1.ext" &&
	openssl x509 -req -in "$pki/$1.csr" -CA "$pki/root.pem" -CAkey "$pki/root.key" -days 300 \
		-set_serial "$2" -extfile "$pki/$1.ext" -out "$pki/$1.pem" && chmod 0600 "$pki/$1.key"
}

pki_all()
{
	mkdir -p "$pki"
	openssl ecparam -name prime256v1 -genkey -noout -out "$pki/root.key" &&
	openssl req -x509 -new -key "$pki/root.key" -subj "/O=Example/CN=Root" -days 3000 \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
		-out "$pki/root.pem" && pki_issue branch 2 && pki_issue hub1 3
}

######## Both daemons, at either end

# our_conf FILE US PEER PEER_ADDRESS OUR_NET PEER_NET: with what $auth says
our_conf()
{
	{
		if [ "$auth" = psk ]; then
			echo "crypto isakmp key $psk address $4"
		else
			cat <<-CONF
			crypto pki trustpoint CORP
			 ca file $pki/root.pem
			 certificate file $pki/$2.pem
			 key file $pki/$2.key
			crypto ikev2 profile CERT
			 match identity remote fqdn $3.example
			 identity local fqdn $2.example
			 authentication local ecdsa-sig
			 authentication remote ecdsa-sig
			 pki trustpoint CORP
			CONF
		fi
		cat <<-CONF
		crypto ipsec transform-set ts esp-gcm 128
		access-list 101 permit ip $5 0.0.0.255 $6 0.0.0.255
		crypto map tohub 1 ipsec-isakmp
		 set peer $4
		$([ "$auth" = psk ] || echo " set ikev2-profile CERT")
		 set transform-set ts
		 match address 101
		interface wan0
		 crypto map tohub
		CONF
	} >"$1"
	chmod 0640 "$1" && chgrp prefpeer "$1"
}

our_branch()
{
	our_conf "$tmp/prefpeer.conf" branch hub1 $h1 192.168.1.0 192.168.2.0
	agent_start || bench_die "no agent"
	initiator=$agent_pid
	hang_up=(pp map reset tohub 1)
}

our_hub()
{
	our_conf "$tmp/hub.conf" hub1 branch $branch_addr 192.168.2.0 192.168.1.0
	other_start hub "$hub1" || bench_die "no agent at the hub"
	responder=$other_pid
}

# As others' hubs, but silent, and with no script: prefpeerd writes little, and runs none.
peer_plugins="random nonce x509 pubkey pem pkcs1 pkcs8 openssl kdf kernel-netlink socket-default vici"
eval "$(declare -f peer_conf | sed '1s/peer_conf/peer_conf_loud/')"
peer_conf() { peer_conf_loud "$@" | sed -E 's/^([[:space:]]*)(default|knl) = [12]$/\1\2 = 0/'; }

# their_credentials NAME: in its directory
their_credentials()
{
	mkdir -p "$tmp/$1/x509" "$tmp/$1/x509ca" "$tmp/$1/private"
	cp "$pki/root.pem" "$tmp/$1/x509ca/" && cp "$pki/$1.pem" "$tmp/$1/x509/" && cp "$pki/$1.key" "$tmp/$1/private/"
}

their_branch()
{
	their_credentials branch
	branch_charon_conf 1
	[ "$auth" = psk ] ||
		sed -i "s/auth = psk/auth = pubkey/; s/id = $branch_addr$/id = branch.example\ncerts = branch.pem/
			s/id = $h1$/id = hub1.example/" "$tmp/branch/swanctl.conf"
	peer_start branch "$branch" || bench_die "no charon in the branch"
	initiator=$peer_pid_branch
	hang_up=(swanctl_of branch --terminate --ike hub)
}

their_hub()
{
	local keys=(auth=psk)

	their_credentials hub1
	[ "$auth" = psk ] || keys=(auth=pubkey cert=hub1.pem id=hub1.example remote_id=branch.example)
	hub_start 1 "${keys[@]}" proposals=$suites esp=aes128gcm16 || bench_die "no charon at the hub"
	responder=$peer_pid_hub1
}

######## Measuring

# with_children_ns PID: CPU time of a daemon and of the processes that it keeps
with_children_ns()
{
	local pid sum=0

	for pid in "$1" $(pgrep -P "$1"); do
		sum=$((sum + $(cpu_ns "$pid")))
	done
	echo $sum
}

# set_up: one tunnel; what it costs in cost_i and cost_r
set_up()
{
	local i r

	i=$(with_children_ns "$initiator") r=$(with_children_ns "$responder")
	flow_packet
	wait_for 20 peer_is_up $h1 || bench_die "not up"
	sleep 1 # what follows the last message belongs to it
	cost_i=$(($(with_children_ns "$initiator") - i)) cost_r=$(($(with_children_ns "$responder") - r))
}

# negotiated NAME: what that charon says that there is
negotiated()
{
	local sas

	sas=$(swanctl_of "$1" --list-sas)
	for said in AES_GCM_16-128 PRF_HMAC_SHA2_256 CURVE_25519; do
		grep -q "$said" <<<"$sas" || bench_die "$1 has not negotiated $said: $sas"
	done
}

# measure CHARON: medians in $median_i and $median_r, all in i_all and r_all. CHARON
# is one that takes part.
measure()
{
	local n

	i_all=() r_all=()
	for ((n = -warm_ups; n < runs; n++)); do
		set_up
		[ $n -ge 0 ] || negotiated "$1"
		[ $n -lt 0 ] || { i_all+=("$cost_i"); r_all+=("$cost_r"); }
		"${hang_up[@]}" >/dev/null 2>&1 || bench_die "cannot tear down: ${hang_up[*]}"
		wait_for 30 peer_is_gone $h1 || bench_die "still up after: ${hang_up[*]}"
		sleep 2
	done
	median_i=$(median "${i_all[@]}") median_r=$(median "${r_all[@]}")
}

# compare ROLE OURS THEIRS OURS_ALL THEIRS_ALL
compare()
{
	local what="${1}'s instructions per IKE_SA + CHILD_SA, $auth_name"

	row "$what: prefpeerd / charon" "$(ratio "$2" "$3" 3)" ratio \
		"schedstat of all processes and threads, user and kernel, from a packet's acquire to 1 s after the SAs, 1 ns per instruction; median of $runs; charon at the other end, $suites, ESP aes128gcm16" \
		"{\"prefpeerd\": $4, \"charon\": $5}"
	row "$what: prefpeerd" "$2" instructions "the same run"
	row "$what: charon $charon_version" "$3" instructions "the same run, log level 0, 8 threads"
}

# authentication psk|ecdsa NAME
authentication()
{
	local ours_i ours_i_all ours_r ours_r_all

	auth=$1 auth_name=$2
	their_hub
	our_branch
	measure hub1
	ours_i=$median_i ours_i_all=$(json_list "${i_all[@]}")
	agent_stop || bench_die "the agent does not stop"
	ip -n "$branch" xfrm policy flush
	their_branch
	measure hub1
	theirs_i=$median_i theirs_i_all=$(json_list "${i_all[@]}")
	theirs_r=$median_r theirs_r_all=$(json_list "${r_all[@]}")
	peer_stop hub1 && ip -n "$hub1" xfrm policy flush && ip -n "$hub1" xfrm state flush
	our_hub
	measure branch
	ours_r=$median_r ours_r_all=$(json_list "${r_all[@]}")
	kill -TERM "$responder" && wait_for 30 test ! -d "/proc/$responder" || bench_die "the hub's agent does not stop"
	peer_stop branch && ip -n "$branch" xfrm policy flush && ip -n "$hub1" xfrm policy flush
	compare initiator "$ours_i" "$theirs_i" "$ours_i_all" "$theirs_i_all"
	compare responder "$ours_r" "$theirs_r" "$ours_r_all" "$theirs_r_all"
}

charon_version=$(dpkg-query -W -f '${Version}' charon-systemd | sed 's/-.*//')
e2e_module=no e2e_hub=true
pki_all 2>"$tmp/openssl.log" || bench_die "no certificates: $(tail -n 3 "$tmp/openssl.log")"
e2e_up 1 && quiet_listeners || bench_die "no topology"
module_load || bench_die "no module"
authentication psk PSK
authentication ecdsa ECDSA
