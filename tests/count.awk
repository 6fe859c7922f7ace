# Reads files of TAP, prints what failed or was skipped and at last "N passed, N failed[, N skipped]".

function finish_file()
{
    if (name == "")
        return
    if (plan == "" || plan != seen || (status && !bad)) {
        print "FAILED " name ": " seen + 0 " of " (plan == "" ? "?" : plan) " tests ran, status " status + 0
        while ((getline line < errors) > 0)
            print "    " line
        close(errors)
        failed++
    }
}

FNR == 1 {
    finish_file()
    name = errors = FILENAME
    sub(/.*\//, "", name)
    sub(/\.tap$/, "", name)
    sub(/\.tap$/, ".err", errors)
    plan = ""
    seen = status = bad = showing = 0
}

/^1\.\.[0-9]+/ { plan = substr($1, 4) + 0 }

/^ok / {
    seen++
    showing = 0
    if (tolower($0) ~ /# skip/) {
        skipped++
        print "skipped " name ": " $0
    } else {
        passed++
    }
}

/^not ok / {
    seen++
    bad++
    failed++
    showing = 1
    print "FAILED " name ": " $0
    printf "%s", before
}

# A unit test prints its reasons before its line, bats after it.
/^ok |^not ok / { before = ""; next }

/^# status / { status = $3; next }

/^#/ {
    if (showing)
        print "    " $0
    else
        before = before "    " $0 "\n"
}

END {
    finish_file()
    counted = (passed + 0) " passed, " (failed + 0) " failed"
    print counted (skipped ? ", " skipped " skipped" : "")
    exit failed > 0 || passed + 0 == 0
}
