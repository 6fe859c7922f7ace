#include "document/document.h"
#include "unit.h"

enum show { KINDS, PLACES };

static void show_node(struct buf *b, const struct doc_node *n, enum show how)
{
    static const char open[] = {[DOC_NULL] = '~',  [DOC_BOOL] = '?', [DOC_NUMBER] = '#',
                                [DOC_TEXT] = '\'', [DOC_LIST] = '[', [DOC_MAP] = '{'};
    bool is_map = n->kind == DOC_MAP;
    buf_putc(b, n->kind == DOC_BOOL && n->truth ? '!' : open[n->kind]);
    buf_add(b, n->text.at, n->text.len);
    if (n->kind == DOC_TEXT)
        buf_putc(b, '\'');
    for (size_t i = 0; i < (is_map ? 2 * n->count : n->count); i++) {
        buf_puts(b, i == 0 ? "" : is_map && i % 2 ? ": " : ", ");
        show_node(b, &n->items[i], how);
    }
    if (is_map || n->kind == DOC_LIST)
        buf_putc(b, is_map ? '}' : ']');
    if (how == PLACES)
        buf_format(b, "@%lu:%lu", (unsigned long)n->line, (unsigned long)n->column);
}

/* The bytes are copied to the heap without a NUL, so that a sanitizer sees a read past their end.
 */
static int parse(struct text bytes, enum doc_syntax syntax, struct doc **d, struct error *e)
{
    char *copy = mem_copy(bytes.at, bytes.len);
    int status = doc_parse("file", (struct text){copy, bytes.len}, syntax, d, e);
    mem_free(copy);
    return status;
}

/* The tree as text: ~ null, !true, ?false, #number, 'text', [list], {key: value}, or the error. */
static const char *shown(struct text bytes, enum doc_syntax syntax, enum show how)
{
    static char out[1200];
    struct doc *d;
    struct error e = {0};
    struct buf b = {0};
    int status = parse(bytes, syntax, &d, &e);
    CHECK(status == 0 || (status == ERR_DATA && e.code == ERR_DATA && !d));
    if (status) {
        error_format(&e, out, sizeof out);
        return out;
    }
    show_node(&b, doc_root(d), how);
    (void)snprintf(out, sizeof out, "%s", buf_text(&b));
    buf_release(&b);
    doc_free(d);
    return out;
}

static const char *yaml(const char *text)
{
    return shown(text_of(text), DOC_YAML, KINDS);
}

static const char *yaml_places(const char *text)
{
    return shown(text_of(text), DOC_YAML, PLACES);
}

static const char *json(const char *text)
{
    return shown(text_of(text), DOC_JSON, KINDS);
}

static const char *json_places(const char *text)
{
    return shown(text_of(text), DOC_JSON, PLACES);
}

static const char *any(const char *text)
{
    return shown(text_of(text), DOC_BY_CONTENT, KINDS);
}

TEST(document_plain_scalars_follow_the_core_schema)
{
    CHECK_TEXT(yaml("[null, Null, NULL, ~, ]"), "[~null, ~Null, ~NULL, ~~]");
    CHECK_TEXT(yaml("- \n-\n- # nothing\n"), "[~, ~, ~]");
    CHECK_TEXT(yaml("[true, True, TRUE]"), "[!true, !True, !TRUE]");
    CHECK_TEXT(yaml("[false, False, FALSE]"), "[?false, ?False, ?FALSE]");
    CHECK_TEXT(yaml("[0, -0, 12, -3.5, 1e3, -2.5E-7, .5, 5.]"),
               "[#0, #-0, #12, #-3.5, #1e3, #-2.5E-7, #.5, #5.]");
    CHECK_TEXT(yaml("[99999999999999999999]"), "[#99999999999999999999]");
}

TEST(document_all_else_is_text)
{
    CHECK_TEXT(yaml("[yes, No, on, OFF, y, nuLL, tRUE, nullx, nul]"),
               "['yes', 'No', 'on', 'OFF', 'y', 'nuLL', 'tRUE', 'nullx', 'nul']");
    CHECK_TEXT(yaml("[0x1F, 0o17, 007, +5, 1_000, 12:30, 2020-01-01, 1e999]"),
               "['0x1F', '0o17', '007', '+5', '1_000', '12:30', '2020-01-01', '1e999']");
    CHECK_TEXT(yaml("[.inf, -.INF, .nan, nan, inf, -, 1.2.3, <<, =]"),
               "['.inf', '-.INF', '.nan', 'nan', 'inf', '-', '1.2.3', '<<', '=']");
    CHECK_TEXT(yaml("[a b, 'null', \"1\", '', \"true\"]"), "['a b', 'null', '1', '', 'true']");
    CHECK_TEXT(yaml("- |\n 5\n- >-\n true\n"), "['5\n', 'true']");
}

TEST(document_decodes_scalars)
{
    CHECK_TEXT(yaml("'it''s \\n'"), "'it's \\n'");
    CHECK_TEXT(yaml("\"a\\tb\\x41\\u00e9\\U0001F600\\\n   c\""), "'a\tbA\xC3\xA9\xF0\x9F\x98\x80"
                                                                 "c'");
    CHECK_TEXT(yaml("a b\n  c\n\n  d"), "'a b c\nd'");
    CHECK_TEXT(yaml("|\n  x\n   y\n\n  z\n\n"), "'x\n y\n\nz\n'");
    CHECK_TEXT(yaml("|+\n  x\n\n"), "'x\n\n'");
    CHECK_TEXT(yaml(">\n  x\n  y\n\n  z\n"), "'x y\nz\n'");
    struct doc *d;
    CHECK_INT(parse(text_of("\"\\0x\""), DOC_YAML, &d, NULL), 0);
    CHECK(text_equal(doc_root(d)->text, TEXT_LITERAL("\0x")));
    doc_free(d);
}

TEST(document_collections)
{
    CHECK_TEXT(yaml("a: 1\nb:\n- x\n- y: z\n  w: []\nc: {}\n"),
               "{'a': #1, 'b': ['x', {'y': 'z', 'w': []}], 'c': {}}");
    CHECK_TEXT(yaml("- - - a\n    - b\n  - c\n- d\n"), "[[['a', 'b'], 'c'], 'd']");
    CHECK_TEXT(yaml("{a: b, \"c\":1, d: , ? e, f}"), "{'a': 'b', 'c': #1, 'd': ~, 'e': ~, 'f': ~}");
    CHECK_TEXT(yaml("[a: 1, b, c: ]"), "[{'a': #1}, 'b', {'c': ~}]");
    CHECK_TEXT(yaml("? a\n: b\n? 'c d'\n"), "{'a': 'b', 'c d': ~}");
    CHECK_TEXT(yaml("%YAML 1.1\n---\na\n...\n# the end\n"), "'a'");
}

/* They are text, as they were written. */
TEST(document_keys)
{
    CHECK_TEXT(yaml("{1: a, 1.0: b, true: c, ~: d, 'x y': e}"),
               "{'1': 'a', '1.0': 'b', 'true': 'c', '~': 'd', 'x y': 'e'}");
    CHECK_TEXT(yaml("? \n: a\n"), "{'': 'a'}");
    CHECK_TEXT(yaml("&k true: *k\nb: *k"), "{'true': !true, 'b': !true}");
    CHECK_TEXT(yaml("- &k 5\n- *k : x"), "[#5, {'5': 'x'}]");
}

TEST(document_nothing_is_null)
{
    CHECK_TEXT(yaml_places(""), "~@1:1");
    CHECK_TEXT(yaml_places(" \n\n# comment\n"), "~@1:1");
    CHECK_TEXT(yaml_places("---\n"), "~@2:1");
    CHECK_TEXT(yaml_places("\n---\n...\n"), "~@3:1");
    CHECK_TEXT(shown((struct text){0}, DOC_BY_CONTENT, PLACES), "~@1:1");
}

TEST(document_places_in_blocks)
{
    CHECK_TEXT(yaml_places("a: 1\nlong:\n  - x\n  -   y: z\n      w:\n"),
               "{'a'@1:1: #1@1:4, 'long'@2:1: ['x'@3:5, {'y'@4:7: 'z'@4:10, "
               "'w'@5:7: ~@5:9}@4:7]@3:3}@1:1");
    CHECK_TEXT(yaml_places("a: |\n  one\n  two\n\nb: >-\n three\nc: 'x\n  y'\nd: e\n"),
               "{'a'@1:1: 'one\ntwo\n'@1:4, 'b'@5:1: 'three'@5:4, 'c'@7:1: 'x y'@7:4, "
               "'d'@9:1: 'e'@9:4}@1:1");
    CHECK_TEXT(yaml_places("--- # c\n\n  - a"), "['a'@3:5]@3:3");
}

TEST(document_places_in_flows)
{
    CHECK_TEXT(yaml_places("{a: [1,\n  2], 'b' : {},\n c: *d }"),
               "file:3:5: there is no anchor 'd'");
    CHECK_TEXT(yaml_places("{a: [1,\n  2], 'b' : {},\n c: d }"),
               "{'a'@1:2: [#1@1:6, #2@2:3]@1:5, 'b'@2:7: {}@2:13, 'c'@3:2: 'd'@3:5}@1:1");
}

/* Columns are bytes; libyaml counts characters. */
TEST(document_places_behind_other_letters)
{
    CHECK_TEXT(yaml_places("\xC3\xA9: \xE2\x82\xAC\n\xF0\x9F\x98\x80: [\xC3\xA9, b]\n"),
               "{'\xC3\xA9'@1:1: '\xE2\x82\xAC'@1:5, '\xF0\x9F\x98\x80'@2:1: ['\xC3\xA9'@2:8, "
               "'b'@2:12]@2:7}@1:1");
    CHECK_TEXT(yaml_places("# \xC3\xA9\n- \xC3\xA9: x: y"),
               "file:2:8: mapping values are not allowed in this context");
    CHECK_TEXT(yaml("\"\xC3\xA9"),
               "file:1:4: found unexpected end of stream while scanning a quoted scalar");
    CHECK_TEXT(json_places("{\"\xC3\xA9\": \"\xE2\x82\xAC\", \"b\": 1}"),
               "{'\xC3\xA9'@1:2: '\xE2\x82\xAC'@1:8, 'b'@1:15: #1@1:20}@1:1");
}

TEST(document_lines_end_in_three_ways)
{
    const char *want = "{'a'@1:1: ['b'@2:3, 't\nu\n'@3:3]@2:1, 'c'@6:1: 'd'@6:4}@1:1";
    CHECK_TEXT(yaml_places("a:\n- b\n- |\n t\n u\nc: d\n"), want);
    CHECK_TEXT(yaml_places("a:\r\n- b\r\n- |\r\n t\r\n u\r\nc: d\r\n"), want);
    CHECK_TEXT(yaml_places("a:\r- b\r- |\r t\r u\rc: d\r"), want);
    CHECK_TEXT(json_places("[1,\r\n2,\r3,\n\n4]"), "[#1@1:2, #2@2:1, #3@3:1, #4@5:1]@1:1");
    CHECK_TEXT(json("[1,\r"), "file:2:1: value missing at the end");
    CHECK_TEXT(yaml("a\r\n...\r\nb"), "file:3:1: did not find expected <document start>");
}

TEST(document_byte_order_mark_is_skipped)
{
    CHECK_TEXT(yaml_places("\xEF\xBB\xBF"
                           "a: b"),
               "{'a'@1:1: 'b'@1:4}@1:1");
    CHECK_TEXT(json_places("\xEF\xBB\xBF[1]"), "[#1@1:2]@1:1");
    CHECK_TEXT(shown(text_of("\xEF\xBB\xBF{\"a\":\"\\ud83d\\ude00\"}"), DOC_BY_CONTENT, PLACES),
               "{'a'@1:2: '\xF0\x9F\x98\x80'@1:6}@1:1");
}

TEST(document_json)
{
    CHECK_TEXT(json_places("{\"a\": [1, -2.5e3, true],\n \"b\": {\"c\": null, \"d\": false}}\n"),
               "{'a'@1:2: [#1@1:8, #-2.5e3@1:11, !true@1:19]@1:7, "
               "'b'@2:2: {'c'@2:8: ~null@2:13, 'd'@2:19: ?false@2:24}@2:7}@1:1");
    CHECK_TEXT(json(" \"a\\n\\\"\\u00e9\\ud83d\\ude00\" "), "'a\n\"\xC3\xA9\xF0\x9F\x98\x80'");
    CHECK_TEXT(json("{\"<<\": {\"a\": 1}, \"\": []}"), "{'<<': {'a': #1}, '': []}");
    CHECK_TEXT(json("{\"a\\u0062\": \"\"}"), "{'ab': ''}");
    struct doc *d;
    CHECK_INT(parse(text_of("\"\\u0000x\""), DOC_JSON, &d, NULL), 0);
    CHECK(text_equal(doc_root(d)->text, TEXT_LITERAL("\0x")));
    doc_free(d);
}

TEST(document_json_is_strict)
{
    CHECK_TEXT(json(""), "file:1:1: value missing at the end");
    CHECK_TEXT(json("{\n  \"a\": 1,\n}"), "file:3:1: expected a key in quotes");
    CHECK_TEXT(json("[1] 2"), "file:1:5: text after the value");
    CHECK_TEXT(json("{a: 1}"), "file:1:2: expected a key in quotes");
    CHECK_TEXT(json("# c\n1"), "file:1:1: not a JSON value");
    CHECK_TEXT(json("[\"\\ud83d\"]"), "file:1:2: invalid escape in a string");
    CHECK_TEXT(json("[1,\n 1e999]"), "file:2:2: number '1e999' is too large");
    CHECK_TEXT(json("{\"a\":\"\xC3\"}"), "file:1:7: invalid UTF-8");
    CHECK_TEXT(json("{\"a\": 1,\n \"b\": 2, \"\\u0061\": 3}"),
               "file:2:10: key 'a' is there twice, first on line 1");
}

TEST(document_syntax_by_content)
{
    CHECK_TEXT(any(" \n\t{\"a\": \"\\ud83d\\ude00\"}"), "{'a': '\xF0\x9F\x98\x80'}");
    CHECK_TEXT(any("{a: b}"), "{'a': 'b'}");
    CHECK_TEXT(any("{\"a\": 1, # one\n}"), "{'a': #1}");
    CHECK_TEXT(any("a: {\"b\": 1}"), "{'a': {'b': #1}}");
    CHECK_TEXT(any("{\"a\": \"\\ud83d\"}"), "file:1:7: invalid escape in a string");
    CHECK_TEXT(any("{\"a\": 1e999}"), "file:1:7: number '1e999' is too large");
    CHECK_TEXT(
        any("{\"a\": \"\\ud83d\\ude00\",}"),
        "file:1:10: found invalid Unicode character escape code while parsing a quoted scalar");
}

TEST(document_tags)
{
    CHECK_TEXT(yaml("[!!str 5, !!str null, !!str , !!int 5, !!float 5, !!bool True, !!null ~]"),
               "['5', 'null', '', #5, #5, !True, ~~]");
    CHECK_TEXT(yaml("[!!int '5', !!bool \"true\", !!null '', !<tag:yaml.org,2002:str> 5]"),
               "[#5, !true, ~, '5']");
    CHECK_TEXT(yaml("[!!int -5, !!float -5]"), "[#-5, #-5]");
    CHECK_TEXT(yaml("[!!seq [a], !!map {a: b}, ! [c], ! {}]"), "[['a'], {'a': 'b'}, ['c'], {}]");
    CHECK_TEXT(yaml("%TAG !y! tag:yaml.org,2002:\n--- !y!str 5"), "'5'");
    CHECK_TEXT(yaml("{!!str <<: 5, !!int 1: x}"), "{'<<': #5, '1': 'x'}");
}

TEST(document_tag_without_a_name_makes_text)
{
    CHECK_TEXT(yaml("[! 5, &a ! 5, ! &b 5, ! '5', ! , *a]"), "['5', '5', '5', '5', '', '5']");
    CHECK_TEXT(yaml("a: &x\n  ! true\nb: &y 5\nc: &z\n! d: 5\n"),
               "{'a': 'true', 'b': #5, 'c': ~, 'd': #5}");
}

TEST(document_refuses_tags)
{
    CHECK_TEXT(yaml("a:\n  - !foo 5"), "file:2:5: unknown tag '!foo'");
    CHECK_TEXT(yaml("a: !!binary aGk="), "file:1:4: unknown tag '!!binary'");
    CHECK_TEXT(yaml("!<x:\x21> {}"), "file:1:1: unknown tag 'x:!'");
    CHECK_TEXT(yaml("!!set {a}"), "file:1:1: unknown tag '!!set'");
    CHECK_TEXT(yaml("- !!int 5.5"), "file:1:3: '5.5' does not fit the tag '!!int'");
    CHECK_TEXT(yaml("- !!int 0x10"), "file:1:3: '0x10' does not fit the tag '!!int'");
    CHECK_TEXT(yaml("- !!float x"), "file:1:3: 'x' does not fit the tag '!!float'");
    CHECK_TEXT(yaml("- !!bool yes"), "file:1:3: 'yes' does not fit the tag '!!bool'");
    CHECK_TEXT(yaml("- !!null 0"), "file:1:3: '0' does not fit the tag '!!null'");
    CHECK_TEXT(yaml("- !!map x"), "file:1:3: 'x' does not fit the tag '!!map'");
    CHECK_TEXT(yaml("- !!map [x]"), "file:1:3: a list does not fit the tag '!!map'");
    CHECK_TEXT(yaml("- !!str {}"), "file:1:3: a map does not fit the tag '!!str'");
    CHECK_TEXT(yaml("- !!null \"null\\0\""), "file:1:3: 'null\\x00' does not fit the tag '!!null'");
}

TEST(document_refuses_keys)
{
    CHECK_TEXT(yaml("? [a]\n: b"), "file:1:3: a key is a scalar, not a list");
    CHECK_TEXT(yaml("x:\n  {a: b}: c"), "file:2:3: a key is a scalar, not a map");
    CHECK_TEXT(yaml("- &a [b]\n- *a : c"), "file:2:3: a key is a scalar, not a list");
    CHECK_TEXT(yaml("a: 1\nb: 2\n'a': 3"), "file:3:1: key 'a' is there twice, first on line 1");
    CHECK_TEXT(yaml("x:\n  \"\\e[1m\": 1\n  \"\\x1b[1m\": 2"),
               "file:3:3: key '\\x1B[1m' is there twice, first on line 2");
    CHECK_TEXT(yaml("{1: a, '1': b}"), "file:1:8: key '1' is there twice, first on line 1");
}

/* Keys k0 k1 ..., one a line, and `last` behind them. */
static const char *many_keys(size_t count, const char *last)
{
    struct buf b = {0};
    for (size_t i = 0; i < count; i++)
        buf_format(&b, "k%zu: {x: %zu}\n", i, i);
    buf_puts(&b, last);
    const char *seen = shown((struct text){b.at, b.len}, DOC_YAML, KINDS);
    buf_release(&b);
    return seen;
}

TEST(document_finds_second_keys_in_maps_of_any_size)
{
    for (size_t count = 1; count < 50; count++)
        for (size_t twice = 0; twice < count; twice++) {
            char last[32], want[100];
            (void)snprintf(last, sizeof last, "k%zu: ", twice);
            (void)snprintf(want, sizeof want,
                           "file:%zu:1: key 'k%zu' is there twice, first on line %zu", count + 1,
                           twice, twice + 1);
            CHECK_TEXT(many_keys(count, last), want);
        }
    CHECK(strncmp(many_keys(100000, "k: "), "{'k0': {'x': #0}, 'k1': ", 24) == 0);
    CHECK_TEXT(many_keys(100000, "k99999: "),
               "file:100001:1: key 'k99999' is there twice, first on line 100000");
}

TEST(document_aliases_share_what_they_stand_for)
{
    CHECK_TEXT(yaml_places("a: &x [1,\n 2]\nb: *x\nc: [*x]"),
               "{'a'@1:1: [#1@1:8, #2@2:2]@1:4, 'b'@3:1: [#1@1:8, #2@2:2]@3:4, "
               "'c'@4:1: [[#1@1:8, #2@2:2]@4:5]@4:4}@1:1");
    CHECK_TEXT(yaml_places("[&s text, *s]"), "['text'@1:2, 'text'@1:11]@1:1");
    CHECK_TEXT(yaml("[&a 1, *a, &a 2, *a, &a [&a 3, *a], *a]"), "[#1, #1, #2, #2, [#3, #3], #3]");
    struct doc *d;
    CHECK_INT(parse(text_of("a: &x {k: v}\nb: *x"), DOC_YAML, &d, NULL), 0);
    const struct doc_node *a = doc_get(doc_root(d), "a"), *b = doc_get(doc_root(d), "b");
    CHECK(a->items == b->items && a->count == 1 && b->count == 1);
    doc_free(d);
}

TEST(document_refuses_aliases)
{
    CHECK_TEXT(yaml("a: *b\nb: &b 1"), "file:1:4: there is no anchor 'b'");
    CHECK_TEXT(yaml("a: &x\n  - [1, *x]"), "file:2:9: an alias of 'x' within 'x' itself");
    CHECK_TEXT(yaml("&x a: &x {b: *x}"), "file:1:14: an alias of 'x' within 'x' itself");
}

TEST(document_merges_maps)
{
    CHECK_TEXT(yaml("d: &d {x: 1, y: 2}\ne:\n  <<: *d\n  y: 3\n  z: 4"),
               "{'d': {'x': #1, 'y': #2}, 'e': {'y': #3, 'z': #4, 'x': #1}}");
    CHECK_TEXT(yaml("- &a {x: 1}\n- &b {y: 2, x: 3}\n- {<<: [*a, *b], z: 4}\n- {<<: [*b, *a]}"),
               "[{'x': #1}, {'y': #2, 'x': #3}, {'z': #4, 'x': #1, 'y': #2}, {'y': #2, 'x': #3}]");
    CHECK_TEXT(yaml("- &a {x: 1}\n- &b {<<: *a, y: 2}\n- {<<: *b}"),
               "[{'x': #1}, {'y': #2, 'x': #1}, {'y': #2, 'x': #1}]");
    CHECK_TEXT(yaml("- {a: 1, <<: {b: {c: 2}}}\n- {<<: []}\n- {<<: {}}"),
               "[{'a': #1, 'b': {'c': #2}}, {}, {}]");
    CHECK_TEXT(yaml("- &e {<<: &d {x: 1}}\n- *d\n- *e"), "[{'x': #1}, {'x': #1}, {'x': #1}]");
    CHECK_TEXT(yaml_places("- &d {x: 1}\n- <<: *d\n"), "[{'x'@1:7: #1@1:10}@1:3, "
                                                       "{'x'@1:7: #1@1:10}@2:3]@1:1");
}

TEST(document_quoted_merge_keys_are_keys)
{
    CHECK_TEXT(yaml("{'<<': {a: 1}, <<: {b: 2}}"), "{'<<': {'a': #1}, 'b': #2}");
    CHECK_TEXT(yaml("{\"<<\": 5}"), "{'<<': #5}");
    CHECK_TEXT(yaml("a: <<"), "{'a': '<<'}");
}

TEST(document_refuses_merges)
{
    CHECK_TEXT(yaml("a: 1\n<<: 5"), "file:2:5: << takes a map or a list of maps, not a number");
    CHECK_TEXT(yaml("<<:"), "file:1:4: << takes a map or a list of maps, not null");
    CHECK_TEXT(yaml("<<: [{}, x]"), "file:1:10: << takes a map or a list of maps, not text");
    CHECK_TEXT(yaml("<<: [[{}]]"), "file:1:6: << takes a map or a list of maps, not a list");
    CHECK_TEXT(yaml("a: &a [true]\nb:\n  <<: *a"),
               "file:1:8: << takes a map or a list of maps, not true or false");
    CHECK_TEXT(yaml("<<: {a: 1}\nb: 2\n<<: {c: 1}"),
               "file:3:1: key '<<' is there twice, first on line 1");
}

/* Every size around the one from which keys are found by their hash, with half of them overridden.
 */
TEST(document_merges_maps_of_any_size)
{
    for (size_t count = 0; count < 60; count++) {
        struct buf b = {0};
        struct doc *d;
        buf_puts(&b, "base: &base\n  x: -1\n");
        for (size_t i = 0; i < count; i++)
            buf_format(&b, "  k%zu: %zu\n", i, i);
        buf_puts(&b, "own:\n  <<: *base\n  y: -2\n");
        for (size_t i = 0; i < count; i += 2)
            buf_format(&b, "  k%zu: own\n", i);
        CHECK_INT(parse((struct text){b.at, b.len}, DOC_YAML, &d, NULL), 0);
        const struct doc_node *own = doc_get(doc_root(d), "own");
        CHECK_INT(own->count, count + 2);
        for (size_t i = 0; i < count; i++) {
            char key[32];
            (void)snprintf(key, sizeof key, "k%zu", i);
            CHECK(text_equal(doc_get(own, key)->text, text_of(i % 2 ? key + 1 : "own")));
        }
        doc_free(d);
        buf_release(&b);
    }
}

TEST(document_is_one)
{
    CHECK_TEXT(yaml("---\na\n---\nb"), "file:3:1: a second document: only one is read");
    CHECK_TEXT(yaml("a: 1\n---\n"), "file:2:1: a second document: only one is read");
    CHECK_TEXT(yaml("a: 1\n...\nb"), "file:3:1: did not find expected <document start>");
    CHECK_TEXT(yaml("[a]\nb"), "file:2:1: did not find expected <document start>");
    CHECK_TEXT(yaml("a: 1\n...\n# comment\n"), "{'a': #1}");
}

TEST(document_passes_on_what_libyaml_says)
{
    CHECK_TEXT(yaml("a:\n  - b\n c: d"), "file:3:2: did not find expected key while parsing a "
                                         "block mapping that begins on line 1");
    CHECK_TEXT(yaml("a: 1\nb: [c, d\ne: f"),
               "file:3:2: did not find expected ',' or ']' while parsing a flow sequence that "
               "begins on line 2");
    CHECK_TEXT(yaml("a: \"b\n"), "file:2:1: found unexpected end of stream while scanning a quoted "
                                 "scalar that begins on line 1");
    CHECK_TEXT(yaml("{a: b"), "file:1:6: did not find expected ',' or '}' while parsing a flow "
                              "mapping");
    CHECK_TEXT(yaml("\ta: b"), "file:1:1: found character that cannot start any token while "
                               "scanning for the next token");
    CHECK_TEXT(yaml("a: b: c"), "file:1:5: mapping values are not allowed in this context");
    CHECK_TEXT(yaml("a: 1\nb\nc: 2"), "file:3:1: could not find expected ':' while scanning a "
                                      "simple key that begins on line 2");
}

TEST(document_refuses_bytes)
{
    CHECK_TEXT(shown(TEXT_LITERAL("a: b\nc: \0"), DOC_YAML, KINDS),
               "file:2:4: control characters are not allowed");
    CHECK_TEXT(yaml("\xC3\xA9: b\nc\x1B"), "file:2:2: control characters are not allowed");
    CHECK_TEXT(yaml("a: \xC3\xA9 \xFF"), "file:1:7: invalid leading UTF-8 octet");
    CHECK_TEXT(yaml("a: \xC3x"), "file:1:5: invalid trailing UTF-8 octet");
    CHECK_TEXT(yaml("a: \xC3"), "file:1:4: incomplete UTF-8 octet sequence");
    CHECK_TEXT(yaml("a: \xED\xA0\x80"), "file:1:4: invalid Unicode character");
    CHECK_TEXT(shown(TEXT_LITERAL("\xFF\xFE"
                                  "a\0"),
                     DOC_YAML, KINDS),
               "file:1:1: invalid leading UTF-8 octet");
    CHECK_TEXT(shown(TEXT_LITERAL("[\0]"), DOC_JSON, KINDS), "file:1:2: not a JSON value");
}

/* text n times, then middle, then end n times. */
static const char *nested(const char *begin, size_t n, const char *middle, const char *end,
                          enum doc_syntax syntax)
{
    struct buf b = {0};
    for (size_t i = 0; i < n; i++)
        buf_puts(&b, begin);
    buf_puts(&b, middle);
    for (size_t i = 0; i < n; i++)
        buf_puts(&b, end);
    const char *seen = shown((struct text){b.at, b.len}, syntax, KINDS);
    buf_release(&b);
    return seen;
}

TEST(document_depth_is_limited)
{
    CHECK(strncmp(nested("[", 512, "", "]", DOC_YAML), "[[[[", 4) == 0);
    CHECK(strncmp(nested("[", 511, "1", "]", DOC_JSON), "[[[[", 4) == 0);
    CHECK(strncmp(nested("{a: ", 511, "[x]", "}", DOC_YAML), "{'a': {'a'", 10) == 0);
    CHECK_TEXT(nested("[", 513, "", "]", DOC_YAML), "file:1:513: nested too deep");
    CHECK_TEXT(nested("[\n", 100000, "", "]", DOC_YAML), "file:513:1: nested too deep");
    CHECK_TEXT(nested("- ", 100000, "", "", DOC_YAML), "file:1:1025: nested too deep");
    CHECK_TEXT(nested("{a: ", 513, "", "}", DOC_YAML), "file:1:2049: nested too deep");
    CHECK_TEXT(nested("[", 513, "", "]", DOC_JSON), "file:1:513: nested too deep");
    CHECK_TEXT(nested("{\"a\":", 100000, "1", "}", DOC_BY_CONTENT), "file:1:2561: nested too deep");
}

/* Whoever walks through the tree need not expect more levels than 512 either. */
TEST(document_aliases_make_nothing_deeper)
{
    struct buf b = {0};
    buf_puts(&b, "- &a0 [x]\n");
    for (size_t i = 1; i < 511; i++)
        buf_format(&b, "- &a%zu [*a%zu]\n", i, i - 1);
    CHECK(strncmp(shown((struct text){b.at, b.len}, DOC_YAML, KINDS), "[['x'], [['x']],", 16) == 0);
    buf_puts(&b, "- [*a510]\n");
    CHECK_TEXT(shown((struct text){b.at, b.len}, DOC_YAML, KINDS), "file:512:4: nested too deep");
    buf_release(&b);
}

TEST(document_refuses_billions_of_values)
{
    struct buf b = {0};
    buf_puts(&b, "- &a0 [ha,ha,ha,ha,ha,ha,ha,ha,ha]\n");
    for (size_t i = 1; i < 60; i++)
        buf_format(&b, "- &a%zu [*a%zu,*a%zu,*a%zu,*a%zu,*a%zu]\n", i, i - 1, i - 1, i - 1, i - 1,
                   i - 1);
    CHECK_TEXT(shown((struct text){b.at, b.len}, DOC_YAML, KINDS),
               "file:10:12: more than 10 million values");
    b.len = 0;
    buf_puts(&b, "- &a0 {k: 1}\n");
    for (size_t i = 1; i < 60; i++)
        buf_format(&b, "- &a%zu {<<: [*a%zu,*a%zu,*a%zu,*a%zu,*a%zu]}\n", i, i - 1, i - 1, i - 1,
                   i - 1, i - 1);
    CHECK_TEXT(shown((struct text){b.at, b.len}, DOC_YAML, KINDS),
               "file:11:14: more than 10 million values");
    buf_release(&b);
}

/* A list of n values that is used again and again: with it, the values are as many as they can be.
 */
TEST(document_counts_values_of_aliases)
{
    struct buf b = {0};
    buf_puts(&b, "- &a [");
    for (size_t i = 0; i < 9998; i++)
        buf_puts(&b, "1,");
    buf_puts(&b, "]\n");
    for (size_t i = 1; i < 1000; i++)
        buf_puts(&b, "- *a\n"); /* 9,999 values each, and one of the list of all of them */
    buf_puts(&b, "- [");
    for (size_t i = 0; i < 998; i++)
        buf_puts(&b, "1,");
    struct doc *d;
    size_t len = b.len;
    buf_puts(&b, "]");
    CHECK_INT(parse((struct text){b.at, b.len}, DOC_YAML, &d, NULL), 0);
    doc_free(d);
    b.len = len;
    buf_puts(&b, "1]");
    CHECK_TEXT(shown((struct text){b.at, b.len}, DOC_YAML, KINDS),
               "file:1001:2000: more than 10 million values");
    buf_release(&b);
}

TEST(document_gets_values_by_key)
{
    struct doc *d;
    CHECK_INT(parse(text_of("a: {b: 5}\nlist: [a]\n'': x"), DOC_YAML, &d, NULL), 0);
    const struct doc_node *root = doc_root(d), *a = doc_get(root, "a");
    CHECK(text_equal(doc_get(a, "b")->text, text_of("5")));
    CHECK(text_equal(doc_get(root, "")->text, text_of("x")));
    CHECK(!doc_get(root, "b"));
    CHECK(!doc_get(root, "x"));
    CHECK(!doc_get(doc_get(root, "list"), "a"));
    CHECK(!doc_get(doc_get(root, "c"), "a"));
    doc_free(d);
    doc_free(NULL);
}

TEST(document_errors_of_the_caller)
{
    struct doc *d;
    struct error e = {0};
    char text[200];
    CHECK_INT(parse(text_of("a:\n  b: [5]"), DOC_YAML, &d, &e), 0);
    const struct doc_node *b = doc_get(doc_get(doc_root(d), "a"), "b");
    CHECK_INT(
        doc_error(d, b, &e, "expected %s, not %s", doc_kind_name(DOC_MAP), doc_kind_name(b->kind)),
        ERR_DATA);
    error_format(&e, text, sizeof text);
    CHECK_TEXT(text, "file:2:6: expected a map, not a list");
    CHECK_INT(doc_error(d, NULL, &e, "no %s", "steps"), ERR_DATA);
    error_format(&e, text, sizeof text);
    CHECK_TEXT(text, "file: no steps");
    CHECK_INT(doc_error(d, b, NULL, "nobody listens"), ERR_DATA);
    doc_free(d);
}

static bool ends_with_nul(const char *content, enum doc_syntax syntax)
{
    struct doc *d;
    if (parse(text_of(content), syntax, &d, NULL))
        return false;
    struct text text = doc_root(d)->text;
    bool ends = strlen(text.at) == text.len;
    doc_free(d);
    return ends;
}

TEST(document_texts_are_strings_of_c)
{
    static const char *const contents[] = {
        "\"a\\u00e9\\n\"", "\"a\"", "15", "true", "null", "\"\""};
    for (size_t i = 0; i < COUNT_OF(contents); i++) {
        CHECK(ends_with_nul(contents[i], DOC_JSON));
        CHECK(ends_with_nul(contents[i], DOC_YAML));
    }
    CHECK(ends_with_nul("", DOC_YAML));
}

TEST(document_names_kinds)
{
    CHECK_TEXT(doc_kind_name(DOC_NULL), "null");
    CHECK_TEXT(doc_kind_name(DOC_BOOL), "true or false");
    CHECK_TEXT(doc_kind_name(DOC_NUMBER), "a number");
    CHECK_TEXT(doc_kind_name(DOC_TEXT), "text");
    CHECK_TEXT(doc_kind_name(DOC_LIST), "a list");
    CHECK_TEXT(doc_kind_name(DOC_MAP), "a map");
}

static const char *loaded(const char *name, const char *content)
{
    static char out[1200];
    const char *path = in_folder(name);
    FILE *f = fopen(path, "wb");
    CHECK(f && fputs(content, f) >= 0);
    CHECK(f && fclose(f) == 0);
    struct doc *d;
    struct error e = {0};
    struct buf b = {0};
    if (doc_load(path, &d, &e)) {
        CHECK(!d && strcmp(e.file, path) == 0);
        (void)snprintf(out, sizeof out, "%lu:%lu: %s", (unsigned long)e.line,
                       (unsigned long)e.column, e.message);
        return out;
    }
    show_node(&b, doc_root(d), KINDS);
    (void)snprintf(out, sizeof out, "%s", buf_text(&b));
    buf_release(&b);
    doc_free(d);
    return out;
}

TEST(document_loads_by_name)
{
    CHECK_TEXT(loaded("a.json", "{\"a\": \"\\ud83d\\ude00\"}"), "{'a': '\xF0\x9F\x98\x80'}");
    CHECK_TEXT(loaded("a.json", "{a: 1}"), "1:2: expected a key in quotes");
    CHECK_TEXT(loaded("a.yaml", "{a: 1}"), "{'a': #1}");
    CHECK_TEXT(loaded("a.yml", "{\"a\": \"\\ud83d\\ude00\"}"),
               "1:10: found invalid Unicode character escape code while parsing a quoted scalar");
    CHECK_TEXT(loaded("Pipefile", "{\"a\": \"\\ud83d\\ude00\"}"), "{'a': '\xF0\x9F\x98\x80'}");
    CHECK_TEXT(loaded("Pipefile", "{a: 1}"), "{'a': #1}");
    CHECK_TEXT(loaded("Pipefile", ""), "~");
}

TEST(document_load_says_what_cannot_be_read)
{
    struct doc *d;
    struct error e = {0};
    CHECK_INT(doc_load("/nowhere/a.yaml", &d, &e), ERR_SYSTEM);
    CHECK(!d);
    CHECK_TEXT(e.file, "/nowhere/a.yaml");
    CHECK_INT(doc_load("/", &d, &e), ERR_SYSTEM);
}
