/*
 * train LABEL ROWS.csv MODEL.json: gradient boosted trees by XGBoost's C library, from a table of
 * numbers with a header, as wrangle writes them; true is 1, false 0, an empty cell missing. Any trainer that saves
 * a model neoc can read may stand in its place.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xgboost/c_api.h>

struct table {
    char **names;
    size_t columns, rows, room;
    float *at; /* rows * columns */
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "train: %s: %s\n", what, why);
    exit(1);
}

static void check(int status)
{
    if (status)
        die("xgboost", XGBGetLastError());
}

/* Cuts a line at its commas, in place: how many cells, the first `most` of which are in cells. */
static size_t cut(char *line, char **cells, size_t most)
{
    size_t n = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *cell = line, *comma; cell; cell = comma ? comma + 1 : NULL) {
        comma = strchr(cell, ',');
        if (comma)
            *comma = '\0';
        if (n < most)
            cells[n] = cell;
        n++;
    }
    return n;
}

static float number(const char *cell)
{
    char *end;
    if (strcmp(cell, "true") == 0 || strcmp(cell, "false") == 0)
        return *cell == 't';
    float x = strtof(cell, &end);
    if (*end)
        die(cell, "not a number: drop the column, or encode it");
    return *cell ? x : NAN;
}

static struct table read_table(const char *path)
{
    enum { COLUMNS_MAX = 4096 };
    static char *cells[COLUMNS_MAX];
    struct table t = {0};
    char *line = NULL;
    size_t size = 0;
    FILE *in = fopen(path, "r");
    if (!in || getline(&line, &size, in) < 0)
        die(path, "cannot be read");
    t.columns = cut(line, cells, COLUMNS_MAX);
    t.names = calloc(t.columns, sizeof *t.names);
    for (size_t c = 0; c < t.columns && c < COLUMNS_MAX; c++)
        t.names[c] = strdup(cells[c]);
    while (getline(&line, &size, in) > 0) {
        if (cut(line, cells, COLUMNS_MAX) != t.columns)
            die(path, "a row has more or fewer cells than the header");
        if (t.rows == t.room)
            t.at = realloc(t.at, (t.room = 2 * t.room + 1024) * t.columns * sizeof *t.at);
        for (size_t c = 0; c < t.columns; c++)
            t.at[t.rows * t.columns + c] = number(cells[c]);
        t.rows++;
    }
    free(line);
    fclose(in);
    return t;
}

/* Moves the label out of the table: its column closes up. */
static float *take_label(struct table *t, const char *name)
{
    size_t label = 0;
    while (label < t->columns && strcmp(t->names[label], name) != 0)
        label++;
    if (label == t->columns)
        die(name, "no such column");
    float *labels = malloc(t->rows * sizeof *labels), *to = t->at;
    for (size_t r = 0; r < t->rows; r++)
        for (size_t c = 0; c < t->columns; c++) {
            float x = t->at[r * t->columns + c];
            if (c == label)
                labels[r] = x;
            else
                *to++ = x;
        }
    t->columns--;
    memmove(t->names + label, t->names + label + 1, (t->columns - label) * sizeof *t->names);
    return labels;
}

int main(int argc, char **argv)
{
    static const char *const settings[][2] = {
        {"objective", "binary:logistic"}, {"tree_method", "hist"}, {"max_depth", "5"},
        {"eta", "0.05"},                  {"subsample", "0.8"},    {"colsample_bytree", "0.6"},
        {"min_child_weight", "20"},       {"seed", "1"},           {"nthread", "1"}};
    if (argc != 4)
        die("usage", "train LABEL ROWS.csv MODEL.json");
    struct table t = read_table(argv[2]);
    float *labels = take_label(&t, argv[1]);
    DMatrixHandle rows;
    BoosterHandle booster;
    check(XGDMatrixCreateFromMat(t.at, t.rows, t.columns, NAN, &rows));
    check(XGDMatrixSetFloatInfo(rows, "label", labels, t.rows));
    check(XGBoosterCreate(&rows, 1, &booster));
    check(XGBoosterSetStrFeatureInfo(booster, "feature_name", (const char **)t.names, t.columns));
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        check(XGBoosterSetParam(booster, settings[i][0], settings[i][1]));
    for (int round = 0; round < 200; round++)
        check(XGBoosterUpdateOneIter(booster, round, rows));
    check(XGBoosterSaveModel(booster, argv[3]));
    printf("%zu rows, %zu features, 200 trees\n", t.rows, t.columns);
    return 0;
}
