#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian packages that the project's tools need, by name, and their
# installation.
#
# Sourced: gives deps_install [GROUP…], GROUP one of: build vm peers bench foreign wire
# debug flavours tree lint.
# Executed: installs all groups.
#
# Where everything is installed this costs one dpkg-query. Otherwise it needs
# root and the distribution's archive. No service is started and no initramfs
# is made: this machine only builds, and boots the kernels in a virtual one.

deps_build="
	build-essential pkg-config clang libclang-rt-dev sparse kmod
	libmnl-dev libnl-3-dev libnl-genl-3-dev libevent-dev libunbound-dev libjansson-dev
	libssl-dev libcap-ng-dev uthash-dev libedit-dev libcmocka-dev libsystemd-dev libseccomp-dev
	libradcli-dev
	linux-headers-amd64 linux-headers-6.12-amd64
	python3 python3-yaml"
deps_vm="
	qemu-system-x86 busybox-static cpio xz-utils kmod
	linux-image-amd64 linux-image-6.12-amd64"
deps_peers="
	charon-systemd strongswan-swanctl libstrongswan-standard-plugins
	iproute2 iputils-ping nftables tcpdump procps jq passwd openssl
	systemd man-db bash-completion nsd ldnsutils freeradius"
# Only for the benchmark: what others do, and plots.
deps_bench="frr gnuplot-nox"
# What libreswan and OpenIKED need; they themselves are unpacked, not installed.
deps_foreign="
	libnss3-tools libldns3 libcurl3-nss libaudit1 libldap-2.5-0 libevent-pthreads-2.1-7
	dns-root-data"
# Reads captures of IKE: tools/ike-dissect.
deps_wire="tshark"
# tools/vm/debug-kernel
deps_debug="
	build-essential bc bison flex libelf-dev libssl-dev xz-utils
	linux-source-6.1 linux-source-6.12"
# Further kernels: preemptible ones run, of the cloud's only the headers are built against.
deps_flavours="
	linux-image-rt-amd64 linux-headers-rt-amd64 linux-image-6.12-rt-amd64 linux-headers-6.12-rt-amd64
	linux-headers-cloud-amd64 linux-headers-6.12-cloud-amd64"
# The kernel's own tools for netlink families and selftests: tools/kernel-tree
deps_tree="python3-yaml python3-jsonschema make gcc perl linux-source-6.12"
deps_lint="
	git perl shellcheck mandoc linux-source-6.12"

deps_list()
{
	local group

	# shellcheck disable=SC2086 # a list of words each
	for group in "$@"; do
		case $group in
		build) echo $deps_build ;;
		vm)    echo $deps_vm ;;
		peers) echo $deps_peers ;;
		bench) echo $deps_bench ;;
		foreign) echo $deps_foreign ;;
		wire)  echo $deps_wire ;;
		debug) echo $deps_debug ;;
		flavours) echo $deps_flavours ;;
		tree)  echo $deps_tree ;;
		lint)  echo $deps_lint ;;
		*)     echo "deps: no such group: $group" >&2; return 2 ;;
		esac
	done | tr ' ' '\n' | sort -u
}

# Prints those of its arguments that are not installed.
deps_missing()
{
	dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null |
		awk -v want="$*" '
			$1 == "ii" { have[$2] = 1 }
			END { n = split(want, w, " ")
			      for (i = 1; i <= n; i++)
				      if (!(w[i] in have)) print w[i] }'
}

# invoke-rc.d asks this script whether a package may start its service. One that
# was there before is kept and put back. Ours has a mark in it, by which what a
# killed run left is known; all of this under the lock.
deps_policy=${DEPS_POLICY:-/usr/sbin/policy-rc.d}
deps_policy_old=$deps_policy.prefpeer-saved
deps_mark="# of prefpeer's tools/lib/deps.sh, while it installs packages"

deps_policy_is_ours()
{
	[ -f "$deps_policy" ] && grep -qxF "$deps_mark" "$deps_policy"
}

# deps_lock [-n]: descriptor 9, until the caller and what it started are gone.
deps_lock()
{
	exec 9>"${DEPS_LOCK:-/run/lock/prefpeer-deps}" && flock "$@" 9
}

deps_no_services()
{
	if ! deps_policy_is_ours && { [ -e "$deps_policy" ] || [ -L "$deps_policy" ]; }; then
		mv "$deps_policy" "$deps_policy_old" || return 1
	fi
	printf '#!/bin/sh\n%s\nexit 101\n' "$deps_mark" >"$deps_policy" && chmod 755 "$deps_policy"
}

deps_services_again()
{
	! deps_policy_is_ours || rm -f "$deps_policy"
	if [ -e "$deps_policy_old" ] || [ -L "$deps_policy_old" ]; then
		mv "$deps_policy_old" "$deps_policy"
	fi
}

# What a run that was killed left; nothing while another run is at work.
deps_heal()
(
	deps_policy_is_ours && deps_lock -n && deps_services_again
)

# INITRD=No: the kernel packages' hook then makes no initramfs.
deps_apt()
(
	export DEBIAN_FRONTEND=noninteractive INITRD=No
	# A second run of ours, or the machine's own upgrade, may hold the lock.
	apt="apt-get -q -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0"

	deps_lock || exit 1
	trap deps_services_again EXIT
	trap 'exit 130' INT TERM
	deps_no_services || exit 1
	$apt update && $apt install -y --no-install-recommends "$@"
)

# deps_install GROUP…: 0 when all packages are there afterwards.
deps_install()
{
	local missing log

	deps_heal 2>/dev/null
	missing=$(deps_missing $(deps_list "$@")) || return
	[ -n "$missing" ] || return 0
	missing=$(echo $missing)
	echo "installing Debian packages, and what they depend on (some minutes): $missing"
	if [ "$(id -u)" != 0 ]; then
		echo "deps: not root; run: apt-get install --no-install-recommends $missing" >&2
		return 1
	fi
	log=$(mktemp) || return
	if ! deps_apt $missing >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		echo "deps: apt-get could not install these packages: $missing" >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
}

# deps_unpack PACKAGE DIR: its files below DIR, where it conflicts with one that is
# installed. DIR is complete when it is there.
deps_unpack()
(
	[ ! -d "$2" ] || exit 0
	mkdir -p "$2.new" && cd "$2.new" || exit 1
	apt-get -q download -o APT::Sandbox::User=root "$1" >../"$1.log" 2>&1 ||
		{ apt-get -q update && apt-get -q download -o APT::Sandbox::User=root "$1"; } >../"$1.log" 2>&1 || {
		cat ../"$1.log" >&2
		echo "deps: apt-get could not download this package: $1" >&2
		exit 1
	}
	dpkg -x "$1"_*.deb root && mv root "$2" && rm -rf "$2.new"
)

# deps_foreign_below DIR: the gateways of others that conflict with what is installed,
# or are wanted by one test only, each in a folder of its own.
deps_foreign_below()
{
	local package

	deps_install foreign || return
	for package in libreswan openiked; do
		deps_unpack $package "$1/$package" || return
	done
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	[ $# -gt 0 ] || set -- build vm peers bench foreign wire tree lint
	deps_install "$@"
fi
