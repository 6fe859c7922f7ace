/* Operations of row programs: places on the globe. */
#include "runtime/program_geo.h"

#include "runtime/program_machine.h"

#define ML_EARTH_KM 6371.0088 /* mean radius, IUGG */

double ml_haversine_km(double lat1, double lon1, double lat2, double lon2)
{
    const double radians = ML_PI / 180;
    double half_lat = sin((lat2 - lat1) * radians / 2), half_lon = sin((lon2 - lon1) * radians / 2);
    double h =
        half_lat * half_lat + cos(lat1 * radians) * cos(lat2 * radians) * half_lon * half_lon;
    return 2 * ML_EARTH_KM * asin(sqrt(h < 1 ? h : 1));
}

double ml_wrapped(double longitude)
{
    double turned = fmod(longitude + 180, 360);
    return (turned < 0 ? turned + 360 : turned) - 180;
}

/* Halves [low, high) towards x: true for the upper half. */
static bool ml_halve(double x, double *low, double *high)
{
    double middle = (*low + *high) / 2;
    bool upper = x >= middle;
    *(upper ? low : high) = middle;
    return upper;
}

void ml_geohash(double latitude, double longitude, size_t precision, char *out)
{
    static const char letters[] = "0123456789bcdefghjkmnpqrstuvwxyz";
    double south = -90, north = 90, west = -180, east = 180;
    bool along = true; /* bits of longitude and latitude take turns */
    for (size_t i = 0; i < precision; i++) {
        unsigned code = 0;
        for (int bit = 0; bit < 5; bit++, along = !along)
            code = code << 1 |
                   (along ? ml_halve(longitude, &west, &east) : ml_halve(latitude, &south, &north));
        out[i] = letters[code];
    }
}

struct ml_tile ml_square_at(double x, double y, double size)
{
    return (struct ml_tile){(int64_t)floor(x / size), (int64_t)floor(y / size)};
}

/* Pointed top, `size` from centre to corner, in axial coordinates: the nearest centre is found by
 * rounding three coordinates that sum to 0 and mending the one rounded most. */
struct ml_tile ml_hexagon_at(double x, double y, double size)
{
    double q = (sqrt(3) / 3 * x - y / 3) / size, r = (2.0 / 3 * y) / size, s = -q - r;
    double near_q = nearbyint(q), near_r = nearbyint(r), near_s = nearbyint(s);
    double off_q = fabs(near_q - q), off_r = fabs(near_r - r), off_s = fabs(near_s - s);
    if (off_q > off_r && off_q > off_s)
        near_q = -near_r - near_s;
    else if (off_r > off_s)
        near_r = -near_q - near_s;
    return (struct ml_tile){(int64_t)near_q, (int64_t)near_r};
}

/* 1 a place, 0 missing, negative: not on the globe. */
static int ml_check_place(double latitude, double longitude)
{
    if (isnan(latitude) || isnan(longitude))
        return 0;
    return fabs(latitude) > 90 || fabs(longitude) > 360 ? -ML_WHY_DOMAIN : 1;
}

/* Of the places in the list a: two, or one and the place in the range, which begins with the units
 * in a kilometre. */
ML_OPERATION(haversine)
{
    const uint32_t *list = ml_list(m, o->a);
    const struct ml_range *k = ml_range(m, o->b);
    const double *c = ml_floats(m, k->first);
    bool fixed = k->count == 3;
    if ((!fixed && k->count != 1) || list[0] != (fixed ? 2 : 4))
        return -ML_WHY_WRONG;
    double lat1 = m->r[list[1]].f, lon1 = m->r[list[2]].f;
    double lat2 = fixed ? c[1] : m->r[list[3]].f, lon2 = fixed ? c[2] : m->r[list[4]].f;
    int known = ml_check_place(lat1, lon1);
    if (known == 1)
        known = ml_check_place(lat2, lon2);
    if (known <= 0)
        return known < 0 ? known : ml_give_float(m, o, ML_NONE);
    return ml_give_float(m, o, c[0] * ml_haversine_km(lat1, lon1, lat2, lon2));
}

/* Latitude and longitude in the box south, north, west, east. */
ML_OPERATION(in_box)
{
    double latitude = m->r[o->a].f, x = m->r[o->b].f;
    const struct ml_range *k = ml_range(m, o->c);
    const double *p = ml_floats(m, k->first);
    if (k->count != 4)
        return -ML_WHY_WRONG;
    if (isnan(latitude) || isnan(x))
        return ml_give_int(m, o, ML_BOOL_MISSING);
    bool along = p[2] <= p[3] ? x >= p[2] && x <= p[3] : x >= p[2] || x <= p[3];
    return ml_give_int(m, o, along && latitude >= p[0] && latitude <= p[1]);
}

/* c letters. */
ML_OPERATION(geohash)
{
    double latitude = m->r[o->a].f, longitude = m->r[o->b].f;
    int known = ml_check_place(latitude, longitude);
    if (known <= 0)
        return known < 0 ? known : ml_give_text(m, o, NULL, 0);
    size_t precision = o->c <= ML_GEOHASH_MAX ? o->c : ML_GEOHASH_MAX;
    char *out = ml_scratch_room(m, precision);
    if (!out)
        return -ML_WHY_LONG;
    ml_geohash(latitude, ml_wrapped(longitude), precision, out);
    return ml_give_scratch(m, o, out, precision);
}

/* "x:y" of the tile of the size c. Flag 1: hexagons. */
ML_OPERATION(tile)
{
    double latitude = m->r[o->a].f, longitude = m->r[o->b].f, size = *ml_floats(m, o->c);
    int known = ml_check_place(latitude, longitude);
    if (known <= 0)
        return known < 0 ? known : ml_give_text(m, o, NULL, 0);
    char *out = ml_scratch_room(m, 2 * NUMBER_MAX + 1);
    if (!out || !(size >= 1e-9))
        return out ? -ML_WHY_WRONG : -ML_WHY_LONG;
    double x = ml_wrapped(longitude);
    struct ml_tile t =
        o->flags & 1 ? ml_hexagon_at(x, latitude, size) : ml_square_at(x, latitude, size);
    size_t n = number_print_int(out, t.x);
    out[n++] = ':';
    return ml_give_scratch(m, o, out, n + number_print_int(out + n, t.y));
}
