# Copies a manual page, replacing lines that ask for generated text:
#   .\" @OPTIONS@             the COMMANDS and OPTIONS sections of the tool the page is named after
#   .\" @RUN command args@    what the command prints
# The tools are looked for in PATH.

function insert(command,    line, status)
{
    while ((status = (command | getline line)) > 0)
        print line
    if (status < 0 || close(command) != 0) {
        print FILENAME ": failed: " command > "/dev/stderr"
        exit 1
    }
}

/^\.\\" @OPTIONS@$/ {
    tool = FILENAME
    sub(/.*\//, "", tool)
    sub(/\..*/, "", tool)
    insert(tool " --describe=mdoc")
    next
}

/^\.\\" @RUN .*@$/ {
    insert(substr($0, 10, length($0) - 10))
    next
}

{ print }
