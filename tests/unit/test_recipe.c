#include "unit.h"

#include "prep/recipe.h"

static struct prep_context context = {.jobs = 1};

static struct recipe *parse(const char *program)
{
    struct recipe *r = NULL;
    struct error e = {0};
    if (recipe_parse(program, strlen(program), &context, &r, &e))
        UNIT_FAIL("%s: %s", program, e.message);
    return r;
}

/* The error's message without the excerpt, and its place. */
static const char *parse_error(const char *program, uint64_t line, uint64_t column)
{
    static char message[768];
    struct recipe *r = NULL;
    struct error e = {0};
    CHECK_INT(recipe_parse(program, strlen(program), &context, &r, &e), ERR_USAGE);
    CHECK(r == NULL);
    CHECK_INT(e.line, line);
    CHECK_INT(e.column, column);
    (void)snprintf(message, sizeof message, "%.*s", (int)strcspn(e.message, "\n"), e.message);
    recipe_free(r);
    return message;
}

#define CHECK_SLICE(text_, want)                                                                   \
    do {                                                                                           \
        struct text slice_ = (text_);                                                              \
        char *copy_ = slice_.at ? mem_text_n(slice_.at, slice_.len) : mem_text("(missing)");       \
        CHECK_TEXT(copy_, want);                                                                   \
        mem_free(copy_);                                                                           \
    } while (0)

static struct schema make_schema(const char *names)
{
    struct schema schema = {0};
    struct text rest = text_of(names), item;
    while (item_next(&rest, &item))
        schema_add(&schema, item, item.at[0] == 'n' ? TYPE_INT : TYPE_TEXT);
    return schema;
}

/* "b,a" or the error's first line. */
static const char *selected(const char *names, const char *selection)
{
    static char out[800];
    struct schema schema = make_schema(names);
    struct recipe *r = parse("nothing");
    struct error e = {0};
    size_t *columns, count;
    out[0] = '\0';
    if (select_columns(r->steps.at[0], text_of(selection), &schema, &columns, &count, &e))
        (void)snprintf(out, sizeof out, "%.*s", (int)strcspn(e.message, "\n"), e.message);
    else
        for (size_t i = 0; i < count; i++)
            (void)snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", i ? "," : "",
                           schema.fields.at[columns[i]].name);
    recipe_free(r);
    schema_release(&schema);
    return out;
}

TEST(steps_and_positional_words)
{
    struct recipe *r = parse("select date,delay,origin | head 5");
    CHECK_INT(r->steps.len, 2);
    CHECK_SLICE(r->steps.at[0]->source, "select date,delay,origin");
    CHECK_SLICE(arg_text(r->steps.at[0], "columns"), "date,delay,origin");
    CHECK_INT(arg_int(r->steps.at[1], "n"), 5);
    CHECK_INT(r->steps.at[1]->number, 2);
    CHECK(!arg_given(r->steps.at[1], "by"));
    recipe_free(r);
}

TEST(expression_runs_to_the_end_of_its_step)
{
    struct recipe *r = parse("filter delay > 15 || origin in (\"O|D\", 'it\\'s') | head");
    CHECK_INT(r->steps.len, 2);
    CHECK_SLICE(arg_text(r->steps.at[0], "condition"),
                "delay > 15 || origin in (\"O|D\", 'it\\'s')");
    CHECK_INT(arg_int(r->steps.at[1], "n"), 10);
    recipe_free(r);
}

TEST(pairs)
{
    struct recipe *r = parse("rename delay=delay_min \"old name\"='new name' /^x y|z/=$1");
    const struct step *s = r->steps.at[0];
    CHECK_INT(s->pairs.len, 3);
    CHECK_SLICE(s->pairs.at[0].name, "delay");
    CHECK_SLICE(s->pairs.at[0].value, "delay_min");
    CHECK_SLICE(s->pairs.at[1].name, "old name");
    CHECK_SLICE(s->pairs.at[1].value, "new name");
    CHECK_SLICE(s->pairs.at[2].name, "/^x y|z/");
    recipe_free(r);
}

TEST(comments_and_line_breaks)
{
    struct recipe *r =
        parse("# all of it\nselect a, b, # two\n  c\n| filter x > 1 # | head\n  and y\n|\nhead");
    CHECK_INT(r->steps.len, 3);
    CHECK_SLICE(arg_text(r->steps.at[1], "condition"), "x > 1         \n  and y");
    recipe_free(r);
    CHECK_INT((r = parse(" \n # nothing\n"))->steps.len, 0);
    recipe_free(r);
    r = parse("select a#b");
    CHECK_SLICE(arg_text(r->steps.at[0], "columns"), "a#b");
    recipe_free(r);
}

TEST(quotes)
{
    struct recipe *r = parse("grep \"\\d\\\\ \\\"x\\\"\\n\" | grep '\\' invert");
    CHECK_SLICE(arg_text(r->steps.at[0], "pattern"), "\\d\\ \"x\"\n");
    CHECK_SLICE(arg_text(r->steps.at[1], "pattern"), "\\");
    CHECK(arg_bool(r->steps.at[1], "invert"));
    CHECK(!arg_bool(r->steps.at[0], "invert"));
    recipe_free(r);
}

TEST(aliases_and_presets)
{
    struct recipe *r = parse("lower_names | lower_names style=upper | filter_not x > 1");
    CHECK_TEXT(r->steps.at[0]->kind->name, "safe_names");
    CHECK_INT(arg_choice(r->steps.at[0], "style"), 1);
    CHECK_INT(arg_choice(r->steps.at[1], "style"), 2);
    CHECK(arg_bool(r->steps.at[2], "invert"));
    recipe_free(r);
}

TEST(lists)
{
    struct recipe *r = parse("split_column x into=[a, \"b,c\"] sep=; | header_set a,,c");
    struct text *items;
    CHECK_INT(arg_list(r->steps.at[0], "into", &items), 2);
    CHECK_SLICE(items[1], "b,c");
    CHECK_TEXT(arg_string(r->steps.at[0], "sep"), ";");
    CHECK_INT(arg_list(r->steps.at[1], "names", &items), 3);
    CHECK_SLICE(items[1], "");
    recipe_free(r);
}

TEST(errors_say_what_and_where)
{
    CHECK_TEXT(parse_error("selct a", 1, 1), "unknown step 'selct': did you mean 'select'?");
    CHECK_TEXT(parse_error("head\n| heda", 2, 3), "unknown step 'heda': did you mean 'head'?");
    CHECK_TEXT(parse_error("grep x invrt=no", 1, 8),
               "grep: unknown argument 'invrt': did you mean 'invert'?");
    CHECK_TEXT(parse_error("grep x y", 1, 8), "grep: unknown argument 'y'");
    CHECK_TEXT(parse_error("grep", 1, 1),
               "grep: argument 'pattern' is missing: regular expression (PCRE2)");
    CHECK_TEXT(parse_error("head n=1 n=2", 1, 10), "head: argument 'n' is given twice");
    CHECK_TEXT(parse_error("head x", 1, 6), "head: n: expected a whole number, not 'x'");
    CHECK_TEXT(parse_error("head 1.5", 1, 6), "head: n: expected a whole number, not '1.5'");
    CHECK_TEXT(parse_error("every_nth 0", 1, 11),
               "every_nth: n: expected a number from 1 to 9e+18, not '0'");
    CHECK_TEXT(parse_error("cast a to=in", 1, 11),
               "cast: to: expected one of int float bool date time text, not 'in'");
    CHECK_TEXT(parse_error("grep x invert=maybe", 1, 15),
               "grep: invert: expected true or false, not 'maybe'");
    CHECK_TEXT(parse_error("select 'a", 1, 8), "unclosed quote");
    CHECK_TEXT(parse_error("filter (a > 1", 1, 8), "bracket without its closing one");
    CHECK_TEXT(parse_error("select /a", 1, 8), "regular expression without its closing slash");
    CHECK_TEXT(parse_error("head |", 1, 7), "a step is missing here");
    CHECK_TEXT(parse_error("| head", 1, 1), "a step is missing here");
    CHECK_TEXT(parse_error("head || tail", 1, 6),
               "'||' is an operator: steps are joined by one '|'");
    CHECK_TEXT(parse_error("head n = 3", 1, 6), "head: n: expected a whole number, not 'n'");
    CHECK_TEXT(parse_error("head n= 3", 1, 8),
               "a value is missing behind '=': write \"\" for the empty text");
    CHECK_TEXT(
        parse_error("rename", 1, 1),
        "rename: expected at least one name=value: OLD=NEW, or /regex/=NEW with $1 for its groups");
}

TEST(caret_stands_under_the_place)
{
    struct recipe *r;
    struct error e = {0};
    const char *program = "head\n| gr\xC3\xBC x\ty=1";
    CHECK_INT(recipe_parse(program, strlen(program), &context, &r, &e), ERR_USAGE);
    CHECK_TEXT(e.message, "unknown step 'gr'\n    | gr\xC3\xBC x y=1\n      ^");
}

TEST(limits)
{
    struct recipe *r = NULL;
    struct error e = {0};
    struct buf deep = {0};
    buf_puts(&deep, "filter ");
    for (int i = 0; i < 100000; i++)
        buf_putc(&deep, '(');
    CHECK_INT(recipe_parse(deep.at, deep.len, &context, &r, &e), ERR_USAGE);
    deep.len = 0;
    for (int i = 0; i < 5000; i++)
        buf_puts(&deep, i ? "|head" : "head");
    CHECK_INT(recipe_parse(deep.at, deep.len, &context, &r, &e), ERR_USAGE);
    CHECK_INT(recipe_parse("head\0", 5, &context, &r, &e), ERR_USAGE);
    buf_release(&deep);
}

TEST(selections)
{
    const char *names = "a,n1,n2,price_eur,price_usd,z";
    CHECK_TEXT(selected(names, "z, a"), "z,a");
    CHECK_TEXT(selected(names, "a,a"), "a");
    CHECK_TEXT(selected(names, "price*"), "price_eur,price_usd");
    CHECK_TEXT(selected(names, "n?"), "n1,n2");
    CHECK_TEXT(selected(names, "*_*d"), "price_usd");
    CHECK_TEXT(selected(names, "/^n\\d|,/"), "n1,n2");
    CHECK_TEXT(selected(names, "/EUR$/i,a"), "price_eur,a");
    CHECK_TEXT(selected(names, "@numeric"), "n1,n2");
    CHECK_TEXT(selected(names, "@text,-price*"), "a,z");
    CHECK_TEXT(selected(names, "n2..price_usd"), "n2,price_eur,price_usd");
    CHECK_TEXT(selected(names, "n2..a"), "n2,n1,a");
    CHECK_TEXT(selected(names, "price_usd.."), "price_usd,z");
    CHECK_TEXT(selected(names, "..n1"), "a,n1");
    CHECK_TEXT(selected(names, "-price*,-/n/"), "a,z");
    CHECK_TEXT(selected(names, "@all,-z,z"), "a,n1,n2,price_eur,price_usd,z");
    CHECK_TEXT(selected("a*,ab,-x,\"c,d\"", "'a*',-x"), "a*,-x");
    CHECK_TEXT(selected(names, "pricr_eur"),
               "nothing: unknown column 'pricr_eur': did you mean 'price_eur'?");
    CHECK_TEXT(selected(names, "q*"), "nothing: no column matches 'q*'");
    CHECK_TEXT(selected(names, "'price*'"), "nothing: unknown column 'price*'");
    CHECK_TEXT(selected(names, "@numerc"),
               "nothing: unknown class of columns '@numerc': did you mean '@numeric'?");
    CHECK_TEXT(selected(names, "-*"), "nothing: '-*' leaves no column");
    CHECK_TEXT(selected(names, ""), "nothing: unknown column ''");
}

TEST(names_and_aliases_are_found_and_unique)
{
    struct map names = {0};
    for (size_t i = 0; i < step_kind_count(); i++) {
        const struct step_kind *k = step_kind_at(i);
        bool is_new;
        map_put(&names, text_of(k->name), &is_new);
        if (!is_new)
            UNIT_FAIL("two steps are called %s", k->name);
        CHECK(step_kind_find(text_of(k->name)) == k);
        struct alias alias;
        for (const char *at = k->aliases; at && alias_next(&at, &alias);) {
            map_put(&names, alias.name, &is_new);
            if (!is_new)
                UNIT_FAIL("%s: alias %.*s is taken", k->name, (int)alias.name.len, alias.name.at);
            CHECK(step_kind_find(alias.name) == k);
        }
    }
    CHECK(step_kind_find(TEXT_LITERAL("")) == NULL);
    CHECK(step_kind_at(step_kind_count()) == NULL);
    map_release(&names);
}

static bool hooks_fit(const struct step_kind *k)
{
    bool learns = k->state_new != NULL;
    if (learns && (!k->learn || !k->merge || !k->state_free))
        return false;
    if (learns && !k->blocking && (!k->save || !k->load))
        return false;
    if (k->blocking && !k->produce)
        return false;
    return !(k->apply && k->push);
}

TEST(entries_are_complete)
{
    for (size_t i = 0; i < step_kind_count(); i++) {
        const struct step_kind *k = step_kind_at(i);
        bool complete = k->family && k->class && k->summary && k->example.program &&
                        k->example.input && k->example.output && hooks_fit(k);
        if (!complete)
            UNIT_FAIL("%s: the entry is not complete", k->name);
        for (const struct arg *a = k->args; a && a->name; a++) {
            bool choice = a->kind == ARG_CHOICE || a->kind == ARG_METHOD;
            if (!a->help || (choice && arg_choice_at(a, k, 0).len == 0))
                UNIT_FAIL("%s: argument %s is not complete", k->name, a->name);
        }
        struct recipe *r = k->example.program ? parse(k->example.program) : NULL;
        recipe_free(r);
    }
}

TEST(catalog_help_and_list)
{
    struct buf out = {0};
    struct error e = {0};
    CHECK_INT(catalog_help("tac", &out, &e), 0);
    CHECK(strstr(buf_text(&out), "reverse: put the rows") == out.at);
    CHECK_INT(catalog_help("revrse", &out, &e), ERR_USAGE);
    CHECK(strstr(e.message, "did you mean 'reverse'?") != NULL);
    out.len = 0;
    catalog_list(&out, "rows", true);
    struct json_reader reader;
    size_t lines = 0;
    for (char *line = out.at, *end; line < out.at + out.len; line = end + 1, lines++) {
        end = memchr(line, '\n', (size_t)(out.at + out.len - line));
        json_start(&reader, line, (size_t)(end - line));
        CHECK_INT(json_next(&reader), JSON_TOKEN_OBJECT);
        CHECK(json_skip(&reader));
    }
    CHECK_INT(lines, 11);
    buf_release(&out);
}

/* A recipe fitted by hand: every step of the program is drop_empty_columns. */
static struct recipe *fitted(const char *program, const char *names, const char *row)
{
    struct recipe *r = parse(program);
    struct error e = {0};
    r->schema = make_schema(names);
    struct schema schema = {0};
    schema_copy(&schema, &r->schema);
    struct text *cells = mem_array(NULL, schema.fields.len, sizeof *cells);
    struct text rest = text_of(row), item;
    struct batch *b = batch_new();
    b->rows = 1;
    for (size_t i = 0; item_next(&rest, &item); i++) {
        cells[i] = item.len > 0 ? item : (struct text){NULL, 0};
        batch_add(b, column_of_text(&cells[i]));
    }
    for (size_t i = 0; i < r->steps.len; i++) {
        struct step *s = r->steps.at[i];
        CHECK_INT(recipe_open_step(r, i, &schema, &e), 0);
        void *state = s->kind->state_new(s);
        CHECK_INT(s->kind->learn(s, state, b, &e), 0);
        CHECK_INT(step_finish(s, state, &e), 0);
        CHECK_INT(recipe_shape_step(r, i, &schema, &e), 0);
    }
    r->rows_seen = 1;
    batch_free(b);
    mem_free(cells);
    schema_release(&schema);
    return r;
}

TEST(state_round_trip)
{
    struct recipe *r = fitted("drop_empty_columns a,b", "a,b,n", "x,,3"), *again = NULL;
    struct buf first = {0}, second = {0};
    struct error e = {0};
    CHECK_INT(recipe_save(r, &first, &e), 0);
    if (recipe_load(first.at, first.len, &context, &again, &e))
        UNIT_FAIL("%s", e.message);
    else
        CHECK_INT(recipe_save(again, &second, &e), 0);
    CHECK_TEXT(buf_text(&second), buf_text(&first));
    CHECK(again && again->schema.fields.at[2].type == TYPE_INT);
    CHECK(strstr(buf_text(&first), "\"holds_values\": [true, false]") != NULL);
    recipe_free(r);
    recipe_free(again);
    buf_release(&first);
    buf_release(&second);
}

TEST(states_merge)
{
    struct recipe *a = fitted("drop_empty_columns", "a,b,c", "x,,"),
                  *b = fitted("drop_empty_columns", "a,b,c", "x,y,");
    struct recipe *other = fitted("drop_empty_columns", "a,b,d", "x,,");
    struct buf out = {0};
    struct error e = {0};
    CHECK_INT(recipe_merge(a, other, &e), ERR_DATA);
    CHECK_INT(recipe_merge(a, b, &e), 0);
    CHECK_INT(a->rows_seen, 2);
    CHECK_INT(recipe_save(a, &out, &e), 0);
    CHECK(strstr(buf_text(&out), "\"holds_values\": [true, true, false]") != NULL);
    CHECK(strstr(buf_text(&out), "\"rows\": 2") != NULL);
    recipe_free(a);
    recipe_free(b);
    recipe_free(other);
    buf_release(&out);
}

/* The state with `from` replaced by `to`, loaded: the error's message. */
static const char *load_changed(const char *from, const char *to)
{
    static char message[768];
    struct recipe *r = fitted("drop_empty_columns a,b", "a,b,n", "x,,3"), *again = NULL;
    struct buf state = {0}, changed = {0};
    struct error e = {0};
    CHECK_INT(recipe_save(r, &state, &e), 0);
    const char *text = buf_text(&state), *at = strstr(text, from);
    CHECK(at != NULL);
    if (at)
        buf_format(&changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    CHECK_INT(recipe_load(buf_text(&changed), changed.len, &context, &again, &e), ERR_DATA);
    CHECK(again == NULL);
    (void)snprintf(message, sizeof message, "%.*s", (int)strcspn(e.message, "\n"), e.message);
    recipe_free(r);
    buf_release(&state);
    buf_release(&changed);
    return message;
}

TEST(hostile_states)
{
    CHECK(strstr(load_changed("{", "["), "recipe state: not JSON: ") != NULL);
    CHECK_TEXT(load_changed("mlutils-recipe", "other"),
               "not a recipe state: expected \"format\": \"mlutils-recipe\"");
    CHECK_TEXT(load_changed("\"version\": 1", "\"version\": 2"),
               "recipe state: $.version: 2 is newer than this program reads (1)");
    CHECK_TEXT(load_changed("\"rows\": 1,\n  \"s", "\"rows\": -1,\n  \"s"),
               "recipe state: $.rows: expected a whole number, not negative");
    CHECK_TEXT(load_changed("drop_empty_columns a,b", "drop_empty a,b"),
               "recipe state: $.program: unknown step 'drop_empty'");
    CHECK_TEXT(load_changed("\"type\": \"text\"", "\"type\": 7"),
               "recipe state: $.schema[0]: expected a type");
    CHECK_TEXT(load_changed("\"name\": \"b\"", "\"name\": \"a\""),
               "recipe state: $.schema[1]: a column of this name came before");
    CHECK(strstr(load_changed("\"fingerprint\": \"", "\"fingerprint\": \"0"),
                 "recipe state: $.fingerprint: does not fit the schema") != NULL);
    CHECK_TEXT(load_changed("[\"a\", \"b\"]", "[\"a\", 7]"),
               "recipe state: $.steps[0].columns: expected the columns the program selects");
    CHECK_TEXT(load_changed("[true, false]", "[true]"),
               "recipe state: $.steps[0].state: holds_values: expected a list of 2");
    CHECK_TEXT(load_changed("\"state\"", "\"stat\""), "recipe state: $.steps[0].state: is missing");
    CHECK_TEXT(load_changed("\"step\": \"drop_empty_columns\"", "\"step\": null"),
               "recipe state: $.steps[0].step: expected \"drop_empty_columns\", as in the program");
}

static int warnings;

static void count_warning(const char *message)
{
    (void)message;
    warnings++;
}

TEST(input_is_checked_against_the_schema)
{
    struct recipe *r = fitted("drop_empty_columns", "a,n", "x,3");
    struct schema same = make_schema("n,a"), less = make_schema("nn,a"),
                  more = make_schema("n,a,b");
    struct error e = {0};
    CHECK_INT(recipe_check_input(r, &same, true, count_warning, &e), 0);
    CHECK_INT(recipe_check_input(r, &less, false, count_warning, &e), ERR_DATA);
    CHECK_INT(warnings, 0);
    CHECK_INT(recipe_check_input(r, &more, false, count_warning, &e), 0);
    CHECK_INT(warnings, 1);
    CHECK_INT(recipe_check_input(r, &more, true, count_warning, &e), ERR_DATA);
    same.fields.at[0].type = TYPE_TEXT;
    CHECK_INT(recipe_check_input(r, &same, false, count_warning, &e), 0);
    CHECK_INT(warnings, 2);
    schema_release(&same);
    schema_release(&less);
    schema_release(&more);
    recipe_free(r);
}
