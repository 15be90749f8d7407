#!/bin/bash
# Every slot of the public structures, a pointer to a function, says which thread calls it and how
# often: "[worker; batch]", as abi.h explains. A tag stands in the comment before a slot, where it
# holds for the slots below it up to the next comment, or behind the slot; one in the comment before
# a structure, "Every slot: [...]", holds for those that have none. Reserved slots have none.
set -u
source_folder=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

complain() {
    echo "FAILED: $1"
    failed=1
}

# "FILE:LINE: STRUCTURE.SLOT ..." for each slot without a tag and each tag of other words; at last
# how many slots there are.
tags() { # FILE...
    awk '
    function check(text,    rest, tag) {
        rest = text
        gsub(/[ \t]+/, " ", rest)
        while (match(rest, /\[(main|worker|any)[^]]*\]/)) {
            tag = substr(rest, RSTART, RLENGTH)
            rest = substr(rest, RSTART + RLENGTH)
            found = 1
            if (tag !~ /^\[(main|worker|any); (load|build|run|epoch|batch|update|solve|step|evaluation)\]$/)
                print where ": " structure "." slot " has the tag " tag
        }
    }
    function finish(    whole) { # the slot before, with all that stands behind it
        if (slot == "") return
        slots++
        found = 0
        check(before " " behind)
        whole = before " " behind
        if (!found && all != "") check(all)
        if (!found && whole !~ /[Rr]eserved/) print where ": " structure "." slot " has no tag"
        slot = behind = ""
    }
    FNR == 1 { finish(); comment = before = all = structure = ""; depth = 0; inside = 0 }
    {
        line = $0
        code = text = ""
        while (line != "") { # comments and code of the line apart
            if (inside) {
                if (i = index(line, "*/")) { text = text substr(line, 1, i - 1) " "; line = substr(line, i + 2); inside = 0 }
                else { text = text line " "; line = "" }
            } else if (i = index(line, "/*")) {
                code = code substr(line, 1, i - 1); line = substr(line, i + 2); inside = 1
            } else { code = code line; line = "" }
        }
        sub(/^[ \t]*\*[ \t]*/, "", text)
        bare = code ~ /^[ \t]*$/
        if (structure == "") {
            if (bare) { if (text != "") comment = fresh ? text : comment " " text; fresh = text == ""; next }
            if (code ~ /^(typedef )?struct [a-z_]+ \{/) {
                structure = code
                sub(/^(typedef )?struct /, "", structure)
                sub(/ .*/, "", structure)
                all = ""
                if (match(comment, /Every slot: \[[^]]*\]/)) all = substr(comment, RSTART, RLENGTH)
                before = ""; started = 0
            }
            fresh = 1
            next
        }
        if (code ~ /^\}/) { finish(); structure = ""; comment = ""; next }
        if (bare) { # a comment of its own line belongs to what comes
            if (slot != "" && !ended) { behind = behind " " text; next }
            if (text == "") { if (slot != "") finish(); next }
            if (!reading) { finish(); before = "" }
            reading = 1
            before = before " " text
            next
        }
        if (match(code, /\(\*[a-z_0-9]+\)\(/)) {
            name = substr(code, RSTART + 2, RLENGTH - 4)
            finish()
            slot = name
            where = FILENAME ":" FNR
            behind = text
            ended = code ~ /;/ && !inside
        } else if (slot != "" && !ended) {
            behind = behind " " text
            ended = code ~ /;/ && !inside
        } else {
            finish()
            if (!reading) before = ""
        }
        reading = 0
    }
    END { finish(); print "slots " slots + 0 }' "$@"
}

report() { # FILE...: what is wrong, without the count
    tags "$@" | grep -v '^slots '
}

tags "$source_folder"/include/odeon/*.h >"$work/found"
while read -r line; do
    complain "${line#"$source_folder"/}"
done < <(grep -v '^slots ' "$work/found")
slots=$(sed -n 's/^slots //p' "$work/found")
echo "$slots slots"
[ "$slots" -ge 120 ] || complain "only $slots slots found"

# What is planted is found.
cat >"$work/planted.h" <<'END'
/* Growing. Every slot: [worker; evaluation]. */
struct covered {
    int (*one)(void);
};

/* Growing. */
typedef struct bare {
    int number;
    int (*none)(void *self, int index,
                int count);
    /* Says nothing of threads. */
    int (*silent)(void);
    int (*behind)(void); /* [any; batch] */
    /* Does something. [main; build]
     */
    int (*before)(void);
    int (*below)(void);
    int (*vague)(void); /* [worker] */
    int (*often)(void); /* [worker; daily] */
    int (*tagged)(void *self,
                  int index); /* takes
                                 both. [any; build] */
    /* Reserved. */
    void (*later)(void);
} bare;
END
cat >"$work/expected" <<'END'
bare.none has no tag
bare.silent has no tag
bare.vague has the tag [worker]
bare.often has the tag [worker; daily]
END
report "$work/planted.h" | sed 's/^[^ ]* //' | diff - "$work/expected" || complain "what is planted is not what is found"
exit $failed
