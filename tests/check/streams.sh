#!/bin/bash
# What people read leaves the host by the streams of clean.h, or through diag.h, which cleans it,
# too: nobody else writes to standard output or standard error. Standard output itself is for
# whoever makes these streams, for lines that are redrawn, and for files of numbers.
set -u
cd "$1/core" || exit 1
failed=0
seen=$(ls */*.c | wc -l)
# Lines of comments, and the attribute of functions that format, write nothing.
while IFS=: read -r file line text; do
    case $file in
    command/program.c | base/diag.c | base/abandon.c) allowed='stdout|stderr' ;;
    command/train.c) allowed='\.progress = stdout' ;;
    base/output_file.c) allowed='fflush\(stdout\)' ;;
    command/eval.c) allowed='progress_create\(stdout,' ;;
    *) allowed='$^' ;;
    esac
    [[ $text =~ $allowed ]] || {
        echo "FAILED: core/$file writes past clean.h: $line:$text"
        failed=1
    }
done < <(grep -nE '(^|[^_[:alnum:]])(stdout|stderr)([^_[:alnum:]]|$)|(^|[^_[:alnum:]])(printf|vprintf|puts|putchar|perror|psignal)[[:space:]]*\(' */*.c |
    grep -vE '^[^:]*:[0-9]+: *(/\*| \*)' | grep -v 'format(printf')
[ "$seen" -ge 100 ] || { echo "FAILED: only $seen files found"; failed=1; }
echo "$seen files"
exit $failed
