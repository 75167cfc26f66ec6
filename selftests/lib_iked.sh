# SPDX-License-Identifier: GPL-2.0
#
# OpenIKED, one iked per namespace. Sourced after lib.sh.
#
# Unpacked as libreswan's is (lib_pluto.sh). It keeps credentials in /etc/iked,
# so each has a mount namespace with its own directory there. It speaks PF_KEY.

iked_root=$build_dir/foreign/openiked
iked_bin=$iked_root/usr/sbin

iked_version() { dpkg-deb -f "$iked_root".deb Version 2>/dev/null || echo 7.2; }

# iked_user: whom it becomes, and where it is then shut in
iked_user()
{
	modprobe -q af_key || fail "no af_key, which OpenIKED needs" || return
	mkdir -p /run/iked-empty
	getent passwd _iked >/dev/null ||
		useradd --system --no-create-home --home-dir /run/iked-empty --shell /usr/sbin/nologin _iked
}

# iked_start NAME NS: with $tmp/NAME/iked.conf as it is, and $tmp/NAME/etc as its
# /etc/iked. Its pid in peer_pid_NAME.
iked_start()
{
	local name=$1 dir=$tmp/$1 sub modprobe_was ready

	[ -x "$iked_bin/iked" ] || fail "no OpenIKED in $iked_root" || return
	iked_user && in_memory "$iked_bin/iked" "$iked_bin/ikectl" || return
	for sub in ca certs crls private pubkeys/ipv4 pubkeys/ipv6 pubkeys/fqdn pubkeys/ufqdn; do
		mkdir -p "$dir/etc/$sub"
	done
	mkdir -p /etc/iked
	[ -e "$dir/etc/private/local.key" ] ||
		openssl ecparam -genkey -name prime256v1 -noout -out "$dir/etc/private/local.key" || return
	chmod 600 "$dir/iked.conf" "$dir/etc/private/local.key"
	# It registers with PF_KEY first, for which the kernel looks for a module of each
	# cipher that it has not: a process each, which finds none.
	modprobe_was=$(</proc/sys/kernel/modprobe)
	echo >/proc/sys/kernel/modprobe
	bg "$tmp/$name.log" ip netns exec "$2" unshare -m sh -c "mount --bind '$dir/etc' /etc/iked &&
		exec '$iked_bin/iked' -d -v -v -f '$dir/iked.conf' -s '$dir/iked.sock'"
	printf -v "peer_pid_$name" %s "$bg_pid"
	wait_for 60 iked_is_ready "$name"
	ready=$?
	echo "$modprobe_was" >/proc/sys/kernel/modprobe
	[ $ready = 0 ] || fail "iked of $name did not start: $(tail -n 5 "$tmp/$name.log")"
}

# The last of its configuration.
iked_is_ready() { grep -q 'config_getstatic: .*stickyaddress' "$tmp/$1.log"; }

# ikectl_of NAME ARGUMENTS…
ikectl_of()
{
	"$iked_bin/ikectl" -s "$tmp/$1/iked.sock" "${@:2}"
}
