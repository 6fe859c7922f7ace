/* YAML: the events of libyaml, put into the tree. */
#include "document/tree.h"

#include <yaml.h>

/* A definition of an anchor. */
struct anchor {
    struct branch branch;
    bool open; /* it has not come to its end */
};

struct yaml_source {
    struct tree *tree;
    yaml_parser_t parser;
    struct text bytes;
    struct finder finder;
    struct map names;   /* of anchors */
    VEC(size_t) newest; /* of each name: its last definition */
    VEC(struct anchor) anchors;
    VEC(size_t) open; /* of each open level: its anchor, or NO_ANCHOR */
    bool seen;        /* the document has begun */
};
#define NO_ANCHOR SIZE_MAX

static struct place place_at(struct yaml_source *s, const yaml_mark_t *mark)
{
    return finder_character(&s->finder, mark->index);
}

#define TAG_PREFIX "tag:yaml.org,2002:"
enum tag {
    TAG_MISSING,
    TAG_EMPTY, /* ! */
    TAG_TEXT,
    TAG_INT,
    TAG_FLOAT,
    TAG_BOOL,
    TAG_NULL,
    TAG_LIST,
    TAG_MAP,
    TAG_UNKNOWN
};

static const char *without_prefix(const char *tag)
{
    size_t n = sizeof TAG_PREFIX - 1;
    return strncmp(tag, TAG_PREFIX, n) == 0 ? tag + n : NULL;
}

static enum tag find_tag(const char *tag)
{
    static const char *const names[TAG_UNKNOWN] = {
        [TAG_TEXT] = "str",  [TAG_INT] = "int",  [TAG_FLOAT] = "float", [TAG_BOOL] = "bool",
        [TAG_NULL] = "null", [TAG_LIST] = "seq", [TAG_MAP] = "map",
    };
    if (!tag)
        return TAG_MISSING;
    if (strcmp(tag, "!") == 0)
        return TAG_EMPTY;
    const char *name = without_prefix(tag);
    for (enum tag i = TAG_TEXT; name && i < TAG_UNKNOWN; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return TAG_UNKNOWN;
}

static int refuse_tag(struct yaml_source *s, struct place at, const char *what, const char *tag)
{
    char quoted[QUOTE_MAX];
    const char *name = without_prefix(tag);
    char *written = mem_format("%s%s", name ? "!!" : "", name ? name : tag);
    quote(quoted, written, strlen(written));
    mem_free(written);
    if (find_tag(tag) == TAG_UNKNOWN)
        return tree_error(s->tree, at, "unknown tag %s", quoted);
    return tree_error(s->tree, at, "%s does not fit the tag %s", what, quoted);
}

static enum doc_kind word_kind(struct text t)
{
    static const struct {
        char word[8];
        size_t len;
        enum doc_kind kind;
    } words[] = {
        {"", 0, DOC_NULL},      {"~", 1, DOC_NULL},     {"null", 4, DOC_NULL},
        {"Null", 4, DOC_NULL},  {"NULL", 4, DOC_NULL},  {"true", 4, DOC_BOOL},
        {"True", 4, DOC_BOOL},  {"TRUE", 4, DOC_BOOL},  {"false", 5, DOC_BOOL},
        {"False", 5, DOC_BOOL}, {"FALSE", 5, DOC_BOOL},
    };
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (words[i].len == t.len && memcmp(words[i].word, t.at, t.len) == 0)
            return words[i].kind;
    return DOC_TEXT;
}

/* YAML 1.2.2, section 10.3.2, but for numbers that are not written in the usual way. */
static enum doc_kind plain_kind(struct text t)
{
    int64_t i;
    double f;
    enum doc_kind kind = word_kind(t);
    if (kind != DOC_TEXT)
        return kind;
    return number_parse(t.at, t.len, &i, &f) == NUMBER_NONE ? DOC_TEXT : DOC_NUMBER;
}

static bool is_integer(struct text t)
{
    for (size_t i = t.at[0] == '-'; i < t.len; i++)
        if (t.at[i] < '0' || t.at[i] > '9')
            return false;
    return true;
}

/* What a scalar with a tag is; false when the tag is none for it. */
static bool tagged_kind(enum tag tag, struct text t, enum doc_kind *kind)
{
    *kind = plain_kind(t);
    switch (tag) {
    case TAG_EMPTY:
    case TAG_TEXT:
        *kind = DOC_TEXT;
        return true;
    case TAG_INT:
        return *kind == DOC_NUMBER && is_integer(t);
    case TAG_FLOAT:
        return *kind == DOC_NUMBER;
    case TAG_BOOL:
        return *kind == DOC_BOOL;
    case TAG_NULL:
        return *kind == DOC_NULL;
    default:
        return false;
    }
}

/* libyaml forgets the tag ! of a plain scalar that is not empty: it is looked for where the scalar
 * begins, behind an anchor if there is one. */
static bool has_empty_tag(const struct yaml_source *s)
{
    const char *p = s->finder.at, *end = s->finder.end;
    if (p < end && *p == '&') {
        while (p < end && !memchr(" \t\r\n", *p, 4))
            p++;
        while (p < end && memchr(" \t\r\n", *p, 4))
            p++;
    }
    return p < end && *p == '!';
}

/* The number of the new definition, NO_ANCHOR without a name. */
static size_t define_anchor(struct yaml_source *s, const yaml_char_t *name, struct anchor anchor)
{
    if (!name)
        return NO_ANCHOR;
    size_t known = map_put(&s->names, text_of((const char *)name), NULL);
    if (known == s->newest.len)
        vec_push(&s->newest, s->anchors.len);
    s->newest.at[known] = s->anchors.len;
    vec_push(&s->anchors, anchor);
    return s->anchors.len - 1;
}

static int add_alias(struct yaml_source *s, const yaml_event_t *event)
{
    struct text name = text_of((const char *)event->data.alias.anchor);
    struct place at = place_at(s, &event->start_mark);
    char quoted[QUOTE_MAX];
    size_t known = map_get(&s->names, name);
    if (known == MAP_NONE)
        return tree_error(s->tree, at, "there is no anchor %s", quote(quoted, name.at, name.len));
    const struct anchor *anchor = &s->anchors.at[s->newest.at[known]];
    if (anchor->open)
        return tree_error(s->tree, at, "an alias of %s within %s itself",
                          quote(quoted, name.at, name.len), quoted);
    struct branch b = anchor->branch;
    b.node.line = at.line;
    b.node.column = at.column;
    return tree_add(s->tree, &b);
}

static bool is_merge_key(const struct yaml_source *s, struct text text)
{
    return text_equal(text, TEXT_LITERAL("<<")) && tree_wants_key(s->tree);
}

static int add_scalar(struct yaml_source *s, const yaml_event_t *event)
{
    const char *tag_name = (const char *)event->data.scalar.tag;
    struct text text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    struct place at = place_at(s, &event->start_mark);
    enum tag tag = find_tag(tag_name);
    enum doc_kind kind = DOC_TEXT;
    char quoted[QUOTE_MAX];
    if (tag != TAG_MISSING) {
        if (!tagged_kind(tag, text, &kind))
            return refuse_tag(s, at, quote(quoted, text.at, text.len), tag_name);
    } else if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
               !(text.len && has_empty_tag(s))) {
        if (is_merge_key(s, text))
            return tree_merge_key(s->tree, at);
        kind = plain_kind(text);
    }
    struct branch b = {{.kind = (uint8_t)kind, .line = at.line, .column = at.column}, .values = 1};
    b.node.text = (struct text){arena_text(&s->tree->doc->arena, text.at, text.len), text.len};
    b.node.truth = kind == DOC_BOOL && (text.at[0] | 0x20) == 't';
    define_anchor(s, event->data.scalar.anchor, (struct anchor){b, false});
    return tree_add(s->tree, &b);
}

static int open_level(struct yaml_source *s, enum doc_kind kind, const yaml_event_t *event)
{
    bool is_list = kind == DOC_LIST;
    const yaml_char_t *anchor =
        is_list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor;
    const char *tag_name =
        (const char *)(is_list ? event->data.sequence_start.tag : event->data.mapping_start.tag);
    struct place at = place_at(s, &event->start_mark);
    enum tag tag = find_tag(tag_name);
    if (tag > TAG_EMPTY && tag != (is_list ? TAG_LIST : TAG_MAP))
        return refuse_tag(s, at, doc_kind_name(kind), tag_name);
    vec_push(&s->open, define_anchor(s, anchor, (struct anchor){.open = true}));
    return tree_open(s->tree, kind, at);
}

static int close_level(struct yaml_source *s)
{
    struct branch closed;
    int status = tree_close(s->tree, &closed);
    size_t anchor = s->open.at[--s->open.len];
    if (anchor != NO_ANCHOR)
        s->anchors.at[anchor] = (struct anchor){closed, false};
    return status;
}

static int begin_document(struct yaml_source *s, const yaml_event_t *event)
{
    if (s->seen)
        return tree_error(s->tree, place_at(s, &event->start_mark),
                          "a second document: only one is read");
    s->seen = true;
    return 0;
}

static int end_stream(struct yaml_source *s)
{
    struct branch nothing = {{.kind = DOC_NULL, .line = 1, .column = 1}, .values = 1};
    nothing.node.text = TEXT_LITERAL("");
    return s->seen ? 0 : tree_add(s->tree, &nothing);
}

static int take(struct yaml_source *s, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return begin_document(s, event);
    case YAML_ALIAS_EVENT:
        return add_alias(s, event);
    case YAML_SCALAR_EVENT:
        return add_scalar(s, event);
    case YAML_SEQUENCE_START_EVENT:
        return open_level(s, DOC_LIST, event);
    case YAML_MAPPING_START_EVENT:
        return open_level(s, DOC_MAP, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_level(s);
    case YAML_STREAM_END_EVENT:
        return end_stream(s);
    default:
        return 0;
    }
}

/* "did not find expected key", "while parsing a block mapping": where that began tells what is
 * meant more often than where it ended. */
static int report_problem(struct yaml_source *s)
{
    const yaml_parser_t *p = &s->parser;
    struct place at = place_at(s, &p->problem_mark);
    if (!p->context)
        return tree_error(s->tree, at, "%s", p->problem);
    struct place from = place_at(s, &p->context_mark);
    if (from.line == at.line)
        return tree_error(s->tree, at, "%s %s", p->problem, p->context);
    return tree_error(s->tree, at, "%s %s that begins on line %lu", p->problem, p->context,
                      (unsigned long)from.line);
}

static int report(struct yaml_source *s)
{
    const yaml_parser_t *p = &s->parser;
    if (p->error == YAML_MEMORY_ERROR)
        mem_fail(s->bytes.len);
    if (p->error == YAML_READER_ERROR)
        return tree_error(s->tree, finder_byte(&s->finder, p->problem_offset), "%s", p->problem);
    return report_problem(s);
}

static int read_events(struct yaml_source *s)
{
    yaml_event_type_t type;
    int status;
    do {
        yaml_event_t event;
        if (!yaml_parser_parse(&s->parser, &event))
            return report(s);
        type = event.type;
        status = take(s, &event);
        yaml_event_delete(&event);
    } while (status == 0 && type != YAML_STREAM_END_EVENT);
    return status;
}

int document_read_yaml(struct tree *t, struct text bytes)
{
    struct yaml_source s = {.tree = t, .bytes = bytes};
    if (!yaml_parser_initialize(&s.parser))
        mem_fail(sizeof s.parser);
    finder_start(&s.finder, bytes);
    yaml_parser_set_encoding(&s.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&s.parser, (const unsigned char *)bytes.at, bytes.len);
    int status = read_events(&s);
    yaml_parser_delete(&s.parser);
    map_release(&s.names);
    vec_release(&s.newest);
    vec_release(&s.anchors);
    vec_release(&s.open);
    return status;
}
