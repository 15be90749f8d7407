# Canonical list of the types of a compilation unit, from readelf --debug-dump=info: a line for each
# structure, field, enumerator, typedef and variable whose name begins with odeon_ or ODEON_. Names
# of parameters are no part of it. Order is by name, so that it does not depend on the compiler's.

function type_of(die,    t, s, i, list) { # a type as C would write it, down to a name
    if (die == "") return "void"
    t = tag[die]
    if (t == "base_type" || t == "typedef") return name[die]
    if (t == "structure_type" || t == "union_type" || t == "enumeration_type")
        return (name[die] != "" ? substr(t, 1, index(t, "_") - 1) " " name[die] : "anonymous{" members_of(die) "}")
    if (t == "pointer_type") return type_of(type[die]) " *"
    if (t == "const_type") return type_of(type[die]) " const"
    if (t == "volatile_type") return type_of(type[die]) " volatile"
    if (t == "array_type") {
        s = type_of(type[die])
        for (i = 1; i <= n_kids[die]; i++) s = s "[" bound[kid[die, i]] "]"
        return s
    }
    if (t == "subroutine_type") {
        list = ""
        for (i = 1; i <= n_kids[die]; i++) {
            s = kid[die, i]
            list = list (list != "" ? ", " : "") (tag[s] == "unspecified_parameters" ? "..." : type_of(type[s]))
        }
        return type_of(type[die]) " (" list ")"
    }
    return t
}

function members_of(die,    i, s, out) {
    out = ""
    for (i = 1; i <= n_kids[die]; i++) {
        s = kid[die, i]
        if (tag[s] == "member") out = out place[s] " " name[s] " " type_of(type[s]) "; "
        if (tag[s] == "enumerator") out = out name[s] "=" value[s] "; "
    }
    return out
}

function ours(text) { return text ~ /^(odeon_|ODEON_)/ }

function emit(die,    t, s, i) {
    t = tag[die]
    if (t == "typedef" && ours(name[die])) {
        s = type[die]
        if (tag[s] == "structure_type" && name[s] == "") {
            print "typedef " name[die] " size " size[s]
            fields(name[die], s)
        } else {
            print "typedef " name[die] " = " type_of(s)
        }
    } else if ((t == "structure_type" || t == "union_type") && ours(name[die])) {
        print "structure " name[die] (size[die] != "" ? " size " size[die] : " opaque")
        fields(name[die], die)
    } else if (t == "enumeration_type") {
        for (i = 1; i <= n_kids[die]; i++) {
            s = kid[die, i]
            if (ours(name[s])) print "enumerator " name[s] " = " value[s]
        }
    } else if (t == "variable" && depth[die] == 1 && ours(name[die])) {
        print "variable " name[die] " : " type_of(type[die])
    }
}

function fields(owner, die,    i, s) {
    for (i = 1; i <= n_kids[die]; i++) {
        s = kid[die, i]
        if (tag[s] == "member") print "field " owner " +" place[s] " " name[s] " : " type_of(type[s])
    }
}

/^ *<[0-9a-f]+><[0-9a-f]+>: Abbrev Number: [0-9]+ \(DW_TAG_/ {
    split($0, part, /[<>]/)
    die = part[4]
    level = part[2] + 0
    sub(/.*\(DW_TAG_/, "")
    sub(/\).*/, "")
    tag[die] = $0
    depth[die] = level
    at[level] = die
    if (level > 0) { up = at[level - 1]; kid[up, ++n_kids[up]] = die }
    order[++n] = die
    next
}
/DW_AT_name / { sub(/.*DW_AT_name *: /, ""); sub(/^\(indirect[^)]*\): /, ""); sub(/ *$/, ""); name[die] = $0 }
/DW_AT_type / { sub(/.*<0x/, ""); sub(/>.*/, ""); type[die] = $0 }
/DW_AT_byte_size / { sub(/.*: */, ""); size[die] = $0 + 0 }
/DW_AT_data_member_location/ { sub(/.*: */, ""); place[die] = $0 + 0 }
/DW_AT_upper_bound/ { sub(/.*: */, ""); bound[die] = $0 + 1 }
/DW_AT_count / { sub(/.*: */, ""); bound[die] = $0 + 0 }
/DW_AT_const_value/ { sub(/.*DW_AT_const_value *: */, ""); sub(/[ \t].*/, ""); value[die] = $0 }
END { for (i = 1; i <= n; i++) emit(order[i]) }
