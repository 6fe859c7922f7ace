/* Geography: distances and cells on the globe. Angles are in degrees, latitude first. */
#include "prep/verdict.h"
#include "runtime/program_geo.h"
#include "steps/steps.h"

#include <math.h>

static int want_columns(struct step *s, size_t count, const char *what, struct error *e)
{
    if (s->column_count == count)
        return 0;
    return step_error(s, e, "select %zu columns, %s", count, what);
}

/* 1 when row r has a place in inputs i and i + 1, 0 when one is missing, < 0 to stop; a place that
 * is not on the globe is rejected. */
static int check_place(struct mapping *m, size_t i, size_t r)
{
    double latitude = m->in[i].number[r], longitude = m->in[i + 1].number[r];
    if (isnan(latitude) || isnan(longitude))
        return 0;
    if (fabs(latitude) > 90)
        return mapping_reject(m, i, r, "a latitude lies between -90 and 90");
    if (fabs(longitude) > 360)
        return mapping_reject(m, i + 1, r, "a longitude lies between -360 and 360");
    return 1;
}

struct distance {
    bool fixed; /* to a given place, not to that of columns 3 and 4 */
    double latitude, longitude;
    double units; /* in a kilometre */
};

static bool read_place(const struct step *s, struct distance *d)
{
    struct text *items;
    return arg_list(s, "to", &items) == 2 &&
           number_parse_double(items[0].at, items[0].len, &d->latitude) &&
           number_parse_double(items[1].at, items[1].len, &d->longitude) &&
           fabs(d->latitude) <= 90 && fabs(d->longitude) <= 360;
}

static int prepare_distance(struct step *s, const struct schema *in, struct error *e)
{
    static const double units[] = {1, 1000, 0.62137119223733397, 0.53995680345572354};
    (void)in;
    struct distance *d = arena_zero(&s->arena, sizeof *d);
    rowwise_plan(s)->own = d;
    d->units = units[arg_choice(s, "unit")];
    d->fixed = arg_given(s, "to");
    if (!d->fixed)
        return want_columns(s, 4, "two places: latitude and longitude of each", e);
    if (!read_place(s, d))
        return step_error(s, e, "to: expected latitude,longitude");
    return want_columns(s, 2, "latitude and longitude", e);
}

static int distances(struct mapping *m)
{
    const struct distance *d = m->own;
    for (size_t r = 0; r < m->rows; r++) {
        m->out->number[r] = (double)NAN;
        int known = check_place(m, 0, r);
        if (known == 1 && !d->fixed)
            known = check_place(m, 2, r);
        if (known < 0)
            return known;
        if (known == 0)
            continue;
        double latitude = d->fixed ? d->latitude : m->in[2].number[r];
        double longitude = d->fixed ? d->longitude : m->in[3].number[r];
        m->out->number[r] =
            d->units * ml_haversine_km(m->in[0].number[r], m->in[1].number[r], latitude, longitude);
    }
    return 0;
}

static int lower_distances(struct lower_map *m)
{
    const struct distance *d = m->own;
    const double constants[] = {d->units, d->latitude, d->longitude};
    uint32_t range = lower_range(m->to, constants, d->fixed ? 3 : 1);
    m->out[0] = lower_op(m->to, ML_OP_haversine, lower_list(m->to, m->in, m->count), range, 0);
    return 0;
}

static struct text geohash(struct mapping *m, double latitude, double longitude, size_t precision)
{
    char letters[ML_GEOHASH_MAX];
    ml_geohash(latitude, longitude, precision, letters);
    buf_add(&m->scratch, letters, precision);
    return mapping_text(m);
}

static int prepare_pair(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    return want_columns(s, 2, "latitude and longitude", e);
}

static int geohashes(struct mapping *m)
{
    size_t precision = (size_t)arg_int(m->step, "precision");
    for (size_t r = 0; r < m->rows; r++) {
        m->out->text[r] = (struct text){NULL, 0};
        int known = check_place(m, 0, r);
        if (known < 0)
            return known;
        if (known)
            m->out->text[r] =
                geohash(m, m->in[0].number[r], ml_wrapped(m->in[1].number[r]), precision);
    }
    return 0;
}

static int prepare_box(struct step *s, const struct schema *in, struct error *e)
{
    (void)in;
    if (!arg_given(s, "into"))
        rowwise_part(s, "%s_in_bbox", s->names[0]);
    if (arg_number(s, "south") > arg_number(s, "north"))
        return step_error(s, e, "south lies north of north");
    return want_columns(s, 2, "latitude and longitude", e);
}

/* parameters: south north west east; a box whose west is larger crosses the date line. */
static int inside_box(struct mapping *m)
{
    const double *p = m->parameters;
    for (size_t r = 0; r < m->rows; r++) {
        double latitude = m->in[0].number[r], x = m->in[1].number[r];
        bool along = p[2] <= p[3] ? x >= p[2] && x <= p[3] : x >= p[2] || x <= p[3];
        bool missing = isnan(latitude) || isnan(x);
        m->out->flag[r] = missing ? BOOL_MISSING : along && latitude >= p[0] && latitude <= p[1];
    }
    return 0;
}

enum { GRID_SQUARE, GRID_HEXAGON }; /* in the order of grid_methods */

static int lower_geohash(struct lower_map *m)
{
    uint32_t precision = (uint32_t)arg_int(m->step, "precision");
    m->out[0] = lower_op(m->to, ML_OP_geohash, m->in[0], m->in[1], precision);
    return 0;
}

static int lower_box(struct lower_map *m)
{
    m->out[0] =
        lower_op(m->to, ML_OP_in_box, m->in[0], m->in[1], lower_range(m->to, m->parameters, 4));
    return 0;
}

static int lower_grid(struct lower_map *m)
{
    bool hexagon = arg_choice(m->step, "shape") == GRID_HEXAGON;
    m->out[0] = lower_register(m->to, ML_TEXT);
    lower_op_to(m->to, ML_OP_tile, hexagon, m->out[0], m->in[0], m->in[1],
                lower_float(m->to, m->parameters[0]));
    return 0;
}

static int grid_cells(struct mapping *m)
{
    bool hexagon = arg_choice(m->step, "shape") == GRID_HEXAGON;
    double size = m->parameters[0];
    for (size_t r = 0; r < m->rows; r++) {
        m->out->text[r] = (struct text){NULL, 0};
        int known = check_place(m, 0, r);
        if (known < 0)
            return known;
        if (known == 0)
            continue;
        double x = ml_wrapped(m->in[1].number[r]), y = m->in[0].number[r];
        struct ml_tile c = hexagon ? ml_hexagon_at(x, y, size) : ml_square_at(x, y, size);
        buf_format(&m->scratch, "%lld:%lld", (long long)c.x, (long long)c.y);
        m->out->text[r] = mapping_text(m);
    }
    return 0;
}

#define GEO   .family = "geo", .class = "S"
#define PLACE ROWWISE_COLUMNS("columns of latitude and longitude, in degrees")

static const struct arg distance_args[] = {
    ROWWISE_COLUMNS("latitude and longitude of a place, and of another unless to= is given"),
    {.name = "to", .kind = ARG_LIST, .help = "latitude,longitude of the other place"},
    {.name = "unit",
     .kind = ARG_CHOICE,
     .fallback = "km",
     .choices = "km m mi nmi",
     .help = "kilometres, metres, miles or nautical miles"},
    {.name = "into", .kind = ARG_NAME, .fallback = "distance", .help = "new column"},
    {.name = NULL}};

static const struct arg hash_args[] = {
    PLACE,
    {.name = "precision",
     .kind = ARG_INT,
     .fallback = "9",
     .min = 1,
     .max = ML_GEOHASH_MAX,
     .help = "characters; 5 is about 5 km, 9 about 5 m"},
    {.name = "into", .kind = ARG_NAME, .fallback = "geohash", .help = "new column"},
    {.name = NULL}};

static const struct arg box_args[] = {
    PLACE,
    {.name = "south", .kind = ARG_NUMBER, .required = true, .help = "least latitude"},
    {.name = "north", .kind = ARG_NUMBER, .required = true, .help = "greatest latitude"},
    {.name = "west", .kind = ARG_NUMBER, .required = true, .help = "western edge"},
    {.name = "east", .kind = ARG_NUMBER, .required = true, .help = "eastern edge"},
    VERDICT_ACTION("flag"),
    {.name = "into", .kind = ARG_NAME, .help = "new true/false column"},
    {.name = NULL}};

static const struct arg grid_args[] = {
    PLACE,
    {.name = "size",
     .kind = ARG_NUMBER,
     .required = true,
     .min = 1e-6,
     .max = 180,
     .help = "of a cell in degrees: side of a square, centre to corner of a hexagon"},
    {.name = "shape", .kind = ARG_METHOD, .fallback = "square", .help = "of the cells"},
    {.name = "into", .kind = ARG_NAME, .fallback = "cell", .help = "new column"},
    {.name = NULL}};

static const char *const box_parameters[] = {"south", "north", "west", "east", NULL};
static const char *const grid_parameters[] = {"size", NULL};

static const struct method grid_methods[] = {
    {.name = "square",
     .class = "S",
     .summary = "squares with a corner at latitude 0, longitude 0",
     .example = {.program = "geo_grid lat,lon size=10",
                 .input = "lat,lon\n48.85,2.35\n-33.9,151.2\n",
                 .output = "lat,lon,cell\n48.85,2.35,0:4\n-33.9,151.2,15:-4\n"}},
    {.name = "hexagon",
     .class = "S",
     .summary = "hexagons, pointed to the north, one centred at latitude 0, longitude 0",
     .example = {.program = "geo_grid lat,lon size=10 shape=hexagon",
                 .input = "lat,lon\n0,0\n0,17\n15,8.6\n",
                 .output = "lat,lon,cell\n0,0,0:0\n0,17,1:0\n15,8.6,0:1\n"}},
    {.name = NULL},
};

const struct step_kind steps_geo[] = {
    {.name = "geo_distance",
     GEO,
     .aliases = "haversine",
     .summary = "great-circle distance between two places",
     .details =
         "Haversine formula on a sphere of radius 6371.0088 km; at most 0.6 % off the "
         "ellipsoid. A latitude beyond 90 or a longitude beyond 360 is rejected; missing in, "
         "missing out.",
     .args = distance_args,
     .example = {.program = "geo_distance lat,lon to=0,90 into=km",
                 .input = "lat,lon\n0,90\n0,0\n,1\n",
                 .output = "lat,lon,km\n0,90,0\n0,0,10007.55722101796\n,1,\n"},
     ROWWISE_HOOKS,
     .detail = &(const struct rowwise){.from = TYPE_FLOAT,
                                       .to = TYPE_FLOAT,
                                       .column = distances,
                                       .lower = lower_distances,
                                       .several = true,
                                       .prepare = prepare_distance}},
    {.name = "geo_hash",
     GEO,
     .aliases = "geohash",
     .summary = "geohash of a place",
     .details = "Places whose geohashes begin alike are near; near places may differ at once. "
                "Longitudes are taken around the globe.",
     .args = hash_args,
     .example = {.program = "geo_hash lat,lon precision=5",
                 .input = "lat,lon\n42.605,-5.603\n",
                 .output = "lat,lon,geohash\n42.605,-5.603,ezs42\n"},
     ROWWISE_HOOKS,
     .detail = &(const struct rowwise){.from = TYPE_FLOAT,
                                       .to = TYPE_TEXT,
                                       .column = geohashes,
                                       .lower = lower_geohash,
                                       .several = true,
                                       .prepare = prepare_pair}},
    {.name = "geo_bbox",
     GEO,
     .summary = "whether a place lies in a box of latitudes and longitudes",
     .details =
         "Edges belong to the box. A box whose west is larger than its east crosses the date "
         "line. A missing coordinate gives missing.",
     .args = box_args,
     .example = {.program = "geo_bbox lat,lon south=41 north=52 west=-5 east=10 action=drop",
                 .input = "lat,lon\n48.85,2.35\n40.7,-74\n",
                 .output = "lat,lon\n48.85,2.35\n"},
     VERDICT_HOOKS,
     .detail = &(const struct rowwise){.from = TYPE_FLOAT,
                                       .to = TYPE_BOOL,
                                       .column = inside_box,
                                       .lower = lower_box,
                                       .several = true,
                                       .domain = "inside the box",
                                       .parameters = box_parameters,
                                       .prepare = prepare_box}},
    {.name = "geo_grid",
     GEO,
     .aliases = "h3_like_grid",
     .summary = "cell of a grid of squares or hexagons over latitude and longitude",
     .details =
         "A cell is named x:y, counted in cells from latitude 0, longitude 0 (for hexagons in "
         "axial coordinates). Cells are equal in degrees, so they narrow towards the poles; "
         "they are not Uber's H3.",
     .args = grid_args,
     .methods = grid_methods,
     .example = {.program = "geo_grid lat,lon size=0.5 into=tile",
                 .input = "lat,lon\n48.85,2.35\n",
                 .output = "lat,lon,tile\n48.85,2.35,4:97\n"},
     ROWWISE_HOOKS,
     .detail = &(const struct rowwise){.from = TYPE_FLOAT,
                                       .to = TYPE_TEXT,
                                       .column = grid_cells,
                                       .lower = lower_grid,
                                       .several = true,
                                       .parameters = grid_parameters,
                                       .prepare = prepare_pair}},
    {.name = NULL},
};
