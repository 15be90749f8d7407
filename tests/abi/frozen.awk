# Compares the list of a frozen interface as it was (first file) with what it is now (second file), and
# says what moved. Allowed are, with a higher minor: fields behind the end of a structure that begins
# with struct_size, and new types, enumerators and macros.

function complain(text) {
    print "FAILED: " interface ": " text
    failed = 1
}

FNR == 1 {
    file++
    sub(/^abi /, "")
    split($0, version, ".")
    major[file] = version[1] + 0
    minor[file] = version[2] + 0
    next
}

# What a line is about, and the rest of it: "field odeon_host +16 alloc : ..." is about
# odeon_host.alloc.
{
    if ($1 == "field") {
        key = "field " $2 "." $4
        rest = $3 substr($0, index($0, " : "))
        if ($4 == "struct_size") growing[file, $2] = 1
        from[file, key] = $2
        offset[key] = substr($3, 2) + 0
    } else if ($1 == "structure" || ($1 == "typedef" && $3 == "size")) {
        key = "structure " $2
        rest = $3 " " $4
        size[file, $2] = $4 + 0
    } else {
        key = $1 " " $2
        rest = $0
    }
    if (file == 1) old[key] = rest
    else new[key] = rest
}

END {
    if (major[1] != major[2]) complain("major " major[1] " is frozen, the headers are of " major[2])
    for (key in old) {
        if (!(key in new)) {
            complain(key " is gone")
        } else if (old[key] != new[key]) {
            name = substr(key, 11)
            if (key ~ /^structure / && growing[1, name] && size[2, name] > size[1, name]) grown = grown " " name
            else complain(key " was \"" old[key] "\" and is \"" new[key] "\"")
        }
    }
    for (key in new) {
        if (key in old) continue
        more = more " " key ";"
        owner = from[2, key]
        if (owner != "" && size[1, owner] != "" && offset[key] < size[1, owner])
            complain(key " stands at " offset[key] ", within the " size[1, owner] " bytes that were frozen")
    }
    if ((more != "" || grown != "") && minor[2] <= minor[1])
        complain("it has grown, but the minor has not: raise ODEON_ABI_MINOR above " minor[1] ":" grown more)
    exit failed + 0
}
