# SPDX-License-Identifier: GPL-2.0-or-later
#
# Failover times against the timers' promise, from matrix.tsv beside it:
# promised seconds, measured seconds, setting. One series per setting.

set terminal svg size 720,540 dynamic
set output "matrix.svg"
set datafile separator "\t"
set title "Dead peers to traffic on the next one that lives"
set xlabel "promised by the timers, s"
set ylabel "measured, s"
set logscale xy
set grid
set key left top
settings = system("cut -f 3 matrix.tsv | sort -u | tr ' ' '_'")
plot x title "as promised" with lines dt 2 lc rgb "gray", \
     for [s in settings] "< grep -F '".system("echo ".s." | tr _ ' '")."' matrix.tsv" \
     using 1:2 title system("echo ".s." | tr _ ' '") with points pt 7 ps 0.5
