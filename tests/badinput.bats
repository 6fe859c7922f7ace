# Bad input never wins: every malformed input has one documented outcome.
load helper

setup() {
    in_scratch
    TOOL=wrangle
}

copy=(wrangle 'select @all')

# refused PLACE TEXT BYTES [OPTION...]: status 3, the place and the reason, on one line; out is the header,
# or nothing when it is the header that is wrong.
refused() {
    local place=$1 text=$2 bytes=$3 got=0
    shift 3
    printf "$bytes" >in.csv
    "${copy[@]}" "$@" in.csv >out 2>err || got=$?
    [ "$got" -eq 3 ] || { echo "status $got"; cat err; return 1; }
    [ "$(wc -l <err)" -eq 1 ]
    [[ $(cat err) == "wrangle: in.csv:$place: "*"$text"* ]] || { cat err; return 1; }
    if [ "${place%%:*}" = 1 ]; then
        [ ! -s out ]
    else
        same out <(head -n 1 in.csv)
    fi
}

# copies BYTES WANT [OPTION...]
copies() {
    local bytes=$1 want=$2
    shift 2
    printf "$bytes" >in.csv
    printf "$want" >want
    "${copy[@]}" "$@" in.csv >got
    same want got
}

@test "ragged rows: an error that names the line" {
    refused 3 "1 cell where the header has 2" 'a,b\n1,2\n3\n4,5\n'
    refused 2 "3 cells where the header has 2" 'a,b\n4,5,6\n'
    refused 3 "1 cell where the header has 2" 'a,b\n1,2\n\n3,4\n'
}

@test "ragged rows: padded, cut or left out when asked" {
    copies 'a,b\n3\n4,5\n' 'a,b\n3,\n4,5\n' --ragged=pad
    copies 'a,b\n4,5,6\n7,8\n' 'a,b\n4,5\n7,8\n' --ragged=truncate
    copies 'a,b\n3\n4,5\n' 'a,b\n4,5\n' --on-error=skip
}

@test "rejects are kept with place, reason and text" {
    printf 'a,b\n1,2\n3\n4,5,6\n' >in.csv
    "${copy[@]}" --on-error=skip --rejects=rejects.jsonl in.csv >out
    [ "$(jq -c '[.file, .line, .text]' rejects.jsonl | tr -d '\n')" = '["in.csv",3,"3"]["in.csv",4,"4,5,6"]' ]
}

@test "rejects are whole records" {
    printf 'a,b\r\n1,"x\ny",3\r\n"far\naway",2\r\n4,5\r\n' >in.csv
    wrangle -q --on-error=skip --rejects=rejects.jsonl 'set c = float(a)' in.csv >out
    same out <(printf 'a,b,c\n4,5,4\n')
    same <(jq -c '[.line, .text]' rejects.jsonl) <(printf '[2,"1,\\"x\\ny\\",3"]\n[4,"\\"far\\naway\\",2"]\n')
}

@test "blank lines: a row in one column, nothing at the end, ragged elsewhere" {
    copies 'a\n1\n\n2\n' 'a\n1\n\n2\n'
    copies 'a,b\n1,2\n\n\n' 'a,b\n1,2\n'
    copies 'a,b\r\n1,2\r\n\r\n' 'a,b\n1,2\n'
}

@test "a quote that is never closed is found at its opening" {
    refused 2:3 "never closed" 'a,b\n1,"2\n3,4\n'
    refused 1:3 "never closed" 'a,"b\n'
}

@test "the first thing wrong is the one that is told, however the file is cut" {
    printf 'a,b\n1,2\n3\n5,"6\n' >f.csv
    for chunk in 1 7 4096; do
        for way in f.csv -; do
            ML_CHUNK=$chunk run -3 wrangle 'select b' "$way" <f.csv
            [[ "$output" == *:3:*"1 cell where the header has 2"* ]]
        done
    done
    printf 'a,b\n1,2\n3,4\n5,"6\n' >f.csv
    for way in "wrangle 'select b' f.csv" "cat f.csv | wrangle 'select b'"; do
        run -3 --separate-stderr sh -c "$way"
        [ "$output" = $'b\n2\n4' ]
        [[ "$stderr" == *":4:3: quote is never closed" ]]
    done
}

@test "stray quotes are found at their byte" {
    refused 2:4 "stray quote" 'a,b\n1,5" x\n3,4\n'
    refused 2:5 "stray quote" 'a,b\n1,"5"x\n3,4\n'
    copies 'a,b\n1,5" x\n' 'a,b\n1,5" x\n' --lazy-quotes
}

@test "NUL bytes and bytes that are not UTF-8" {
    refused 2:3 "NUL" 'a,b\n1,\0002\n'
    refused 3:1 "0xff" 'a\n1\n\xff\n'
    refused 2:1 "0xc0" 'a\n\xc0\x80\n'
    refused 2:1 "0xed" 'a\n\xed\xa0\x80\n'
    refused 2:2 "0xc3" 'a\nx\xc3\n'
    copies 'a\n\xe9\n' 'a\n\xc3\xa9\n' --encoding latin1
}

@test "UTF-16 is recognised by its mark, a UTF-8 mark is dropped" {
    printf 'a,b\n1,\xc3\xa9\n' >want
    for encoding in UTF-16LE UTF-16BE; do
        (printf '\xef\xbb\xbf'; cat want) | iconv -f UTF-8 -t $encoding >in.csv
        "${copy[@]}" in.csv >got
        same want got
    done
    copies '\xef\xbb\xbfa,b\n1,2\n' 'a,b\n1,2\n'
}

@test "lone carriage returns end lines, and count as lines" {
    copies 'a,b\r1,2\r3,4\r' 'a,b\n1,2\n3,4\n'
    printf 'a\r1\r2\rfar\r' >in.csv
    fails_with 3 "in.csv:4:1: column 'a': 'far' is not a number" wrangle -N 'select a | set x = a + 1' in.csv
    printf 'a,b\r1,2\r3\r' >in.csv
    fails_with 3 'in.csv:3: 1 cell' "${copy[@]}" -N in.csv
}

@test "LF and CRLF mixed end lines, a CR inside a line is part of its cell" {
    copies 'a,b\r\n1,2\n3,4\r\n' 'a,b\n1,2\n3,4\n'
    copies 'a,b\n1\r,2\nx\ry,4\n' 'a,b\n1\r,2\nx\ry,4\n'
}

@test "a byte-order mark is dropped at the start of every file" {
    printf '\xef\xbb\xbfa,b\n1,2\n' >1.csv
    printf '\xef\xbb\xbfa,b\n3,4\n' >2.csv
    "${copy[@]}" 1.csv 2.csv >got
    same got <(printf 'a,b\n1,2\n3,4\n')
    printf '\xef\xbb\xbf{"a":1}\n' >1.jsonl
    wrangle convert 1.jsonl | cmp - <(echo '{"a":1}')
}

@test "names: twice is an error, an empty one gets a number" {
    refused 1:2 "'a' stands twice" 'a,a\n1,2\n'
    copies 'a,a\n1,2\n' 'x,y\n1,2\n' --columns x,y
    printf 'a,\n1,2\n' >in.csv
    [ "$(wrangle 'select c2' in.csv | tail -n 1)" = 2 ]
}

@test "empty file, header only, no newline at the end" {
    : >in.csv
    fails_with 3 "in.csv: is empty" "${copy[@]}" in.csv
    copies 'a,b\n' 'a,b\n'
    copies 'a,b' 'a,b\n'
    copies 'a,b\n1,2' 'a,b\n1,2\n'
}

@test "what looks like a number and is none" {
    for cell in 1e999 0x1F 1_000 inf nan NA ' 1' '1,5' '--1' '1e' .; do
        printf 'x\n"%s"\n' "$cell" >in.csv
        run -3 --separate-stderr wrangle 'set y = x + 1' in.csv
        [[ $stderr == *"in.csv:2:1: column 'x': '$cell' is not a number" ]] || { echo "$stderr"; return 1; }
    done
    printf 'x\n123456789012345678901234567890\n007\n1.10\n' >in.csv
    "${copy[@]}" in.csv | cmp - in.csv
    [ "$(wrangle --on-error=null 'set y = x * 2' in.csv | tail -n 1)" = 1.10,2.2 ]
}

@test "a number that means missing is missing everywhere" {
    printf 'a,b\n1,x\n999,y\n"999",z\n3,w\n' >f.csv
    run -0 wrangle --na 999 'agg n=count(a) s=sum(a) m=max(a)' f.csv
    [ "${lines[1]}" = "2,4,3" ]
    run -0 wrangle --na 999 'set c = a + 1 | filter is_null(c) | select b' f.csv
    [ "$output" = $'b\ny\nz' ]
}

@test "64-bit integers overflow with an error, never silently" {
    printf 'x\n9223372036854775807\n' >in.csv
    fails_with 3 "in.csv:2" wrangle -N 'select x | set y = x + 1 | drop x' in.csv
}

@test "an integer beyond 64 bits is a double when a number is needed" {
    printf 'x\n123456789012345678901234567890\n' >in.csv
    wrangle 'set y = x * 1' --types=x:float in.csv >got
    same got <(printf 'x,y\n123456789012345678901234567890,1.2345678901234568e+29\n')
}

@test "a time without an offset" {
    printf 't\n2024-01-02T03:04:05\n' >in.csv
    fails_with 3 "in.csv:2:1: column 't': '2024-01-02T03:04:05'" wrangle -N 'set h = hour(t) | select h' in.csv
    wrangle --zone=Europe/Paris -N 'set h = hour(t) | select h' in.csv >got
    same got <(echo 2)
    printf 't\n2024-01-02\n' >in.csv
    wrangle -N 'set h = hour(t) | select h' in.csv >got
    same got <(echo 0)
}

@test "a quote that is never closed stops, whatever --on-error says" {
    refused 2:3 "never closed" 'a,b\n1,"2\n3,4\n' --on-error=skip
    refused 2:3 "never closed" 'a,b\n1,"2\n3,4\n' --on-error=null
    refused 2:4 "stray quote" 'a,b\n1,5" x\n3,4\n' --on-error=skip
}

@test "a cell longer than --max-record" {
    (echo a; head -c 3000000 /dev/zero | tr '\0' x; echo) >in.csv
    fails_with 3 "in.csv:2" wrangle --no-out-header --max-record 1M 'select @all' in.csv
    "${copy[@]}" in.csv | cmp - in.csv
    (printf 'a,b\n1,"'; head -c 3000000 /dev/zero | tr '\0' '\n') >in.csv
    fails_with 3 "in.csv:2:3: quote is never closed" wrangle --no-out-header --max-record 1M 'select @all' in.csv
}

@test "a record of many cells longer than --max-record" {
    for in in in.csv in.tsv; do
        delimiter=,
        [ $in = in.csv ] || delimiter=$'\t'
        { seq -s "$delimiter" 200000 | sed 's/[0-9][0-9]*/"gene_&"/g'; seq -s "$delimiter" 200000; } >$in
        [ "$(head -n 1 $in | wc -c)" -gt 2500000 ]
        wrangle 'select gene_199999,gene_7' $in >got
        same got <(printf '"gene_199999"%s"gene_7"\n199999%s7\n' "$delimiter" "$delimiter")
        wrangle sniff $in | jq -e --arg delimiter "$delimiter" '.delimiter == $delimiter and .records == 1 and
            ([.columns[].type] | length == 200000 and (unique == ["int"]))'
        fails_with 3 "$in:1:1: record does not end within 1048576 bytes (raise --max-record)" wrangle --max-record 1M 'head 1' $in
    done
}

@test "JSON: what is not RFC 8259 is refused with its place" {
    for line in '{"a":NaN}' '{"a":1,}' '{"a":01}' "{'a':1}" '{"a":1' '{"a":"\ud800"}' '{"a":1,"a":2}' '[1]' '{"a":1}{"a":2}' $'{"a":"\x01"}'; do
        printf '{"a":0}\n%s\n' "$line" >in.jsonl
        got=0
        wrangle convert in.jsonl >out 2>err || got=$?
        [ "$got" -eq 3 ] || { echo "status $got for $line"; return 1; }
        [[ $(cat err) == "wrangle: in.jsonl:2:"* ]] || { cat err; return 1; }
        [ "$(wc -l <err)" -eq 1 ]
        [ ! -s out ]
    done
}

@test "JSON: half a line at the end, blank lines" {
    printf '{"a":1}\n\n  \n{"a":2}' >in.jsonl
    wrangle convert in.jsonl | cmp - <(printf '{"a":1}\n{"a":2}\n')
    printf '{"a":1}\n{"a":' >in.jsonl
    run -3 --separate-stderr wrangle convert in.jsonl
    [ -z "$output" ] || [ "$output" = '{"a":1}' ] # as much as was out by then
    [[ $stderr == 'wrangle: in.jsonl:2:'* ]]
}

@test "JSON: the first line is no better than the others" {
    printf '{"a":"\\ud800"}\n' >in.jsonl
    fails_with 3 "in.jsonl:1:" wrangle convert in.jsonl
}

@test "JSON: a key that comes after megabytes is found by --schema=union" {
    awk 'BEGIN { for (i = 0; i < 60000; i++) printf "{\"a\":%d,\"text\":\"what stands here\"}\n", i
        print "{\"a\":1,\"z\":2}" }' >in.jsonl
    wrangle convert --schema=union -t csv in.jsonl >got
    [ "$(head -n 1 got)" = a,text,z ]
    [ "$(tail -n 1 got)" = 1,,2 ]
    [ "$(wc -l <got)" -eq 60002 ]
}

@test "JSON: nested values are cells, a later key needs --schema=union for CSV" {
    printf '{"a":{"b":[1,2]}}\n{"a":2,"c":3}\n' >in.jsonl
    fails_with 3 "in.jsonl:2" wrangle 'agg n=count()' -t csv in.jsonl
    wrangle convert in.jsonl | cmp - in.jsonl
    wrangle 'select a' in.jsonl >got
    same got <(printf '{"a":{"b":[1,2]}}\n{"a":2}\n')
    wrangle convert --schema=union -t csv in.jsonl >got
    same got <(printf 'a,c\n"{""b"":[1,2]}",\n2,3\n')
}

@test "truncated compression: the rows that could be read, and an error" {
    seq 100000 | sed '1i a' | gzip >full.gz
    head -c 5000 full.gz >in.csv.gz
    fails_with 3 "in.csv.gz: the gzip data is truncated" wrangle -N 'agg n=count()' in.csv.gz
    local got=0
    wrangle convert -t csv in.csv.gz >out 2>err || got=$?
    [ $got -eq 3 ]
    [[ $(cat err) == 'wrangle: in.csv.gz: the gzip data is truncated' ]]
    [ "$(wc -l <out)" -gt 1000 ]
    same out <(zcat full.gz | head -n "$(wc -l <out)")
    "${copy[@]}" in.csv.gz -o out.csv 2>err || got=$?
    [ ! -e out.csv ]
}

@test "files that cannot be read, disks that are full" {
    fails_with 4 "none.csv" "${copy[@]}" none.csv
    fails_with 4 "directory" "${copy[@]}" .
    printf 'a\n1\n' >in.csv
    fails_with 4 "No space left" "${copy[@]}" in.csv -o /dev/full
    got=0
    "${copy[@]}" in.csv >/dev/full 2>err || got=$?
    [ "$got" -eq 4 ]
}

@test "a failed run leaves the named output alone" {
    printf 'a,b\n1,2\n' >good.csv
    printf 'a,b\n1\n' >bad.csv
    echo before >out.csv
    run -3 "${copy[@]}" bad.csv -o out.csv
    [ "$(cat out.csv)" = before ]
    run -3 "${copy[@]}" bad.csv -o new.csv
    [ ! -e new.csv ]
    [ "$(find . -name '*.tmp*' -o -name '.*.csv*' | wc -l)" -eq 0 ]
}

@test "a closed pipe ends the stream quietly" {
    seq 300000 | sed '1i a' >in.csv
    set +o pipefail
    [ "$("${copy[@]}" in.csv 2>err | head -n 1)" = a ]
    [ ! -s err ]
}
