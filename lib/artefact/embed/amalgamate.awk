# amalgamate.awk FILE.c...: one C source of several. First come the headers they include in quotes,
# each once, then the files. A header without an include guard is put in wherever it is included.
# With ML_RUNTIME_LINKED only the headers are left: the rest is in an object file.

function path_of(line) {
    return match(line, /^ *# *include "[^"]*"/) ? "lib/" substr(line, index(line, "\"") + 1,
        RLENGTH - index(line, "\"") - 1) : ""
}

# The lines of a file, read once.
function load(file,   line, n, got) {
    if (file in lines)
        return
    while ((got = (getline line <file)) > 0) {
        text[file, ++n] = line
        if (line ~ /^#ifndef [A-Z0-9_]+_H$/)
            guarded[file] = 1
    }
    if (got < 0) {
        print file ": cannot read" >"/dev/stderr"
        exit failed = 1
    }
    close(file)
    lines[file] = n
}

# The guarded headers a file includes.
function put_headers(file,   i, header) {
    load(file)
    for (i = 1; i <= lines[file]; i++) {
        header = path_of(text[file, i])
        if (header == "" || header in seen)
            continue
        seen[header] = 1
        put_headers(header)
        if (guarded[header])
            put(header)
    }
}

function put(file,   i, header) {
    for (i = 1; i <= lines[file]; i++) {
        header = path_of(text[file, i])
        if (header == "")
            print text[file, i]
        else if (!guarded[header])
            put(header)
    }
}

BEGIN {
    print "/* Runs compiled models. Made of lib/runtime of mlutils; see the LICENSE there (MIT). */"
    print "#ifndef ML_API\n#define ML_API static\n#endif\n#ifndef ML_DATA\n#define ML_DATA static\n#endif"
    # A model needs less than there is.
    print "#pragma GCC diagnostic push\n#pragma GCC diagnostic ignored \"-Wunused-function\""
    for (i = 1; i < ARGC; i++)
        put_headers(ARGV[i])
    print "#ifndef ML_RUNTIME_LINKED"
    for (i = 1; i < ARGC; i++)
        put(ARGV[i])
    print "#endif\n#pragma GCC diagnostic pop"
    exit failed
}
