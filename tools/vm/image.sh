# SPDX-License-Identifier: GPL-2.0-or-later
#
# Kernels, Debian's and those of debug-kernel, and the initramfs that boots them;
# sourced by run and others.

image_here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

# image_version 6.1|6.12|rt-6.1|rt-6.12: the newest installed one, as in /lib/modules.
image_version()
{
	local f v rt=

	[ "${1#rt-}" = "$1" ] || rt=rt-
	for f in /boot/vmlinuz-"${1#rt-}".*-${rt}amd64; do
		v=${f#/boot/vmlinuz-}
		case $rt$v in
		*-cloud-amd64) continue ;;
		6*-rt-amd64) continue ;;
		esac
		[ -f "$f" ] && [ -f "/lib/modules/$v/modules.dep" ] && echo "$v"
	done | sort -V | tail -n 1 | grep .
}

# image_find NAME: sets version, vmlinuz, and for a kernel of debug-kernel, which
# has everything built in, image_obj: its build folder.
image_find()
{
	image_obj=
	case $1 in
	debug-*|kcsan-*)
		image_obj=$("$image_here/debug-kernel" --print "$1") &&
			version=$(cat "$image_obj/include/config/kernel.release") || return
		vmlinuz=$image_obj/arch/x86/boot/bzImage ;;
	*)
		version=$(image_version "$1") || return
		vmlinuz=/boot/vmlinuz-$version ;;
	esac
}

# What it takes to reach the 9p root; all else is loaded from there.
image_modules()
{
	local m

	for m in virtio_pci virtio_console 9pnet_virtio 9p overlay; do
		modprobe -S "$1" --show-depends "$m" || return
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

image_build()
{
	local version=$1 dir=$2 n=0 m

	mkdir -p "$dir"/{bin,dev,proc,sys,mod,root} || return
	cp /usr/bin/busybox "$dir/bin/busybox" || return
	ln -s busybox "$dir/bin/sh"
	cp "$image_here/initramfs-init" "$dir/init" && chmod 755 "$dir/init" || return
	for m in $([ -n "$image_obj" ] || image_modules "$version"); do
		n=$((n + 1))
		case $m in
		*.xz)  xz -dc "$m" ;;
		*.zst) zstd -dcq "$m" ;;
		*)     cat "$m" ;;
		esac >"$dir/mod/$(printf %02d $n).ko" || return
	done
	[ $n -gt 0 ] || [ -n "$image_obj" ]
}

# image_initramfs CACHEDIR: prints the file for what image_find found, made if
# need be. The name holds all that it is made from, and it appears whole, so that
# several runs may share it.
image_initramfs()
{
	local cache=$1 key file dir ok=1
	local modules=${image_obj:+$image_obj/modules.builtin}

	key=$( { cat "$image_here/initramfs-init" "$image_here/image.sh" \
		"${modules:-/lib/modules/$version/modules.dep}" /usr/bin/busybox; } |
		sha256sum | cut -c 1-16) || return
	file=$cache/initramfs-$version-$key.cpio.gz
	if [ ! -s "$file" ]; then
		mkdir -p "$cache" && dir=$(mktemp -d "$cache/build.XXXXXX") || return
		image_build "$version" "$dir" &&
			(cd "$dir" && find . | cpio -o -H newc --quiet | gzip -1) >"$dir.gz" &&
			mv "$dir.gz" "$file" || ok=
		rm -rf "$dir" "$dir.gz"
		[ -n "$ok" ] || return 1
	fi
	echo "$file"
}
