# SPDX-License-Identifier: GPL-2.0
#
# strongSwan, one charon per namespace. Sourced by lib.sh.
#
# Every file of an instance, its control socket too, is in its own directory,
# $tmp/NAME, so that several run beside each other. The plugin list is short,
# since loading plugins is most of a charon's start.

peer_plugins="random nonce x509 pubkey pem openssl kdf kernel-netlink socket-default vici updown"
peer_names=()
psk=correct-horse-battery-staple

# peer_conf NAME [EXTRA]: strongswan.conf. Nothing of ours may trip a defence
# against floods (0 would be no limit, but 5.9.8 then raises block_threshold
# to one above the limit per address). EXTRA: more lines of the charon section.
peer_conf()
{
	cat <<-CONF
	charon-systemd {
		load = $peer_plugins
		block_threshold = 100000
		cookie_threshold = 100000
		cookie_threshold_ip = 90000
		half_open_timeout = 5
		install_routes = no
		install_virtual_ip = no
		threads = 8
		plugins {
			vici {
				socket = unix://$tmp/$1/vici
			}
		}
		journal {
			default = -1
		}
		filelog {
			file {
				path = $tmp/$1.log
				time_format = %H:%M:%S
				flush_line = yes
				default = 1
				knl = 2
			}
		}
		$2
	}
	swanctl {
		load = random openssl pem pkcs1 pkcs8 x509
	}
	CONF
}

# peer_start NAME NS: with $tmp/NAME/strongswan.conf and swanctl.conf as they
# are. Its pid in peer_pid_NAME.
peer_start()
{
	local name=$1 ns=$2 dir=$tmp/$1 pid

	[ -n "$(command -v charon-systemd)" ] || fail "no charon-systemd" || return
	pid=$(STRONGSWAN_CONF=$dir/strongswan.conf SWANCTL_DIR=$dir \
		"$udpflow" notify "$dir/notify" 60 ip netns exec "$ns" charon-systemd \
		2>>"$tmp/$name.err.log") ||
		fail "charon of $name did not start: $(tail -n 5 "$tmp/$name.log" "$tmp/$name.err.log")" ||
		return
	printf -v "peer_pid_$name" %s "$pid"
	on_exit "kill -KILL $pid"
	case " ${peer_names[*]} " in
	*" $name "*) ;;
	*) peer_names+=("$name") ;;
	esac
	peer_load "$name"
}

# swanctl_of NAME ARGUMENTS…: any swanctl command at that instance.
swanctl_of()
{
	local name=$1 verb=$2

	STRONGSWAN_CONF=$tmp/$name/strongswan.conf SWANCTL_DIR=$tmp/$name \
		swanctl "$verb" --uri "unix://$tmp/$name/vici" "${@:3}"
}

peer_load()
{
	local dir said

	# swanctl complains of each directory of credentials that is not there.
	for dir in x509 x509ca x509ocsp x509aa x509ac x509crl pubkey private rsa ecdsa bliss pkcs8 pkcs12; do
		mkdir -p "$tmp/$1/$dir"
	done
	said=$(swanctl_of "$1" --load-all --noprompt 2>&1) ||
		fail "charon of $1 did not take its configuration: $said"
}

peer_signal()
{
	local pid

	eval "pid=\$peer_pid_$1"
	kill "-$2" "$pid" && wait_for 30 test ! -d "/proc/$pid"
}

peer_stop() { peer_signal "$1" TERM; }
peer_kill() { peer_signal "$1" KILL; }

# hub_connection NAME LOCAL REMOTE: a connection of swanctl.conf from the o_*
# variables of hub_start.
hub_connection()
{
	cat <<-CONF
	$1 {
		version = 2
		local_addrs = $2
		remote_addrs = $3
		proposals = $o_proposals
		rekey_time = $o_ike_rekey
		dpd_delay = $o_dpd
		$o_conn
		local {
			auth = $o_auth
			id = ${o_id:-$2}
			${o_cert:+certs = $o_cert}
		}
		remote {
			auth = ${o_remote_auth:-$o_auth}
			id = ${o_remote_id:-$3}
		}
		children {
			$1-net4 {
				local_ts = $o_local_ts
				remote_ts = $o_remote_ts
				$(hub_child)
			}
			$1-net6 {
				local_ts = $o_local_ts6
				remote_ts = $o_remote_ts6
				$(hub_child)
			}
			$o_children
		}
	}
	CONF
}

hub_child()
{
	cat <<-CONF
	${o_ah:+ah_proposals = $o_ah}
	${o_esp:+esp_proposals = $o_esp}
	rekey_time = $o_rekey
	dpd_action = clear
	updown = $selftests_dir/hub_updown $o_dir $site 192.168.2.$o_n fd00:2::$o_n $o_metric
	$o_child
	CONF
}

# hub_start N [KEY=VALUE…]: hub N answers the branch, over both families, for
# both families inside. Keys, with what they are otherwise:
#   psk= id= remote_id= (addresses) proposals= esp= dpd=0s rekey=0 (CHILD_SA)
#   ah= (then esp= is to be empty)
#   ike_rekey=0 local_ts= remote_ts= local_ts6= remote_ts6=
#   auth=psk remote_auth= (as auth) cert= (a file in $tmp/hubN/x509)
#   metric= (of its route at the site; it then stays beside the other hubs')
#   conn= child= children= charon= (further lines of these sections)
hub_start()
{
	local o_n=$1 o_dir=$tmp/hub$1 kv ns
	local o_psk=$psk o_id= o_remote_id= o_dpd=0s o_rekey=0 o_ike_rekey=0
	local o_proposals=aes128gcm16-prfsha256-x25519,aes128-sha256-x25519,default
	local o_ah= o_esp=aes128gcm16,aes256gcm16,aes128-sha256,aes256-sha256
	local o_local_ts=$site_net o_remote_ts=$lan_net
	local o_local_ts6=$site_net6 o_remote_ts6=$lan_net6
	local o_auth=psk o_remote_auth= o_cert=
	local o_metric= o_conn= o_child= o_children= o_charon=

	eval "ns=\$hub$1"
	for kv in "${@:2}"; do
		printf -v "o_${kv%%=*}" %s "${kv#*=}"
	done
	mkdir -p "$o_dir"
	rm -f "$o_dir"/up-*
	peer_conf "hub$1" "$o_charon" >"$o_dir/strongswan.conf"
	{
		echo "connections {"
		hub_connection branch4 "$(hub_addr "$1")" "$branch_addr"
		hub_connection branch6 "$(hub_addr6 "$1")" "$branch_addr6"
		echo "}"
		printf 'secrets {\n\tike-branch {\n\t\tsecret = "%s"\n\t}\n}\n' "$o_psk"
	} >"$o_dir/swanctl.conf"
	peer_start "hub$1" "$ns"
}

# branch_charon_start N: a strongSwan as the branch, to hub N. For tests of the
# machine and of the module without our agent; trap policies.
branch_charon_start()
{
	branch_charon_conf "$1"
	peer_start branch "$branch"
}

# branch_charon_conf N: its files alone
branch_charon_conf()
{
	local dir=$tmp/branch

	mkdir -p "$dir"
	peer_conf branch >"$dir/strongswan.conf"
	cat >"$dir/swanctl.conf" <<-CONF
	connections {
		hub {
			version = 2
			local_addrs = $branch_addr
			remote_addrs = $(hub_addr "$1")
			proposals = aes128gcm16-prfsha256-x25519
			rekey_time = 0
			local {
				auth = psk
				id = $branch_addr
			}
			remote {
				auth = psk
				id = $(hub_addr "$1")
			}
			children {
				net {
					local_ts = $lan_net
					remote_ts = $site_net
					esp_proposals = aes128gcm16
					rekey_time = 0
					start_action = trap
				}
			}
		}
	}
	secrets {
		ike-hub {
			secret = "$psk"
		}
	}
	CONF
}

show_peers()
{
	local name

	for name in "${peer_names[@]}"; do
		diag "$name, the last of its log:"
		diag "$(tail -n 15 "$tmp/$name.log")"
	done
}
